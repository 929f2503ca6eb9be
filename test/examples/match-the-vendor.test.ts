// docs/match-the-vendor.md: each request is read by its binding; the default binding is current.

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { ERROR_TABLE, type ErrorCode, withStatuses } from "../../src/core/errors.ts";
import { runCommand } from "../cli/run-command.ts";
import { buildApp, call, TOKEN_ENDPOINT } from "../support/app.ts";
import { APIKEY, CALL, NONCE } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { response } from "../support/fakes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const page = read("docs/match-the-vendor.md");
const folder = temporaryFolder();

/** Title, request and binding of each numbered section. */
const worked = (page + read("test/fixtures/worked-bindings.md"))
  .split(/^### (?=\d)/m)
  .slice(1)
  .map((section) => ({
    title: section.split("\n", 1)[0] as string,
    http: block(section, "http"),
    yaml: block(section, "yaml"),
  }));

function block(section: string, language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(section)?.[1];
  if (found === undefined) throw new Error(`a section has no ${language} block`);
  return found;
}

function requestOf(http: string, apikeyHeader: string): Request {
  const [head = "", body] = http.trimEnd().split("\n\n", 2);
  const [line = "", ...fields] = head.split("\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = new Headers(fields.map((field) => field.split(": ", 2) as [string, string]));
  headers.set(apikeyHeader, apikeyHeader === "Authorization" ? `Bearer ${APIKEY}` : APIKEY);
  return new Request(new URL(target, "https://proxy.example"), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
}

async function checkCall(http: string, file: object) {
  const names = ["serverid", "userid", "accountid", "nonce"];
  const params = Object.fromEntries(names.map((name) => [name, `{{${name}}}`]));
  await writeFile(join(folder, "example.http"), http);
  await writeFile(join(folder, "f.yaml"), JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider: { params }, file })));
  return runCommand(["check", "--config", "f.yaml", "--call", "example.http"], { cwd: folder });
}

const NEXTAUTH = { url: "https://ns.example", apikey: { env: "N" }, serverid: "a" };

it("shows the default binding as it is", () => {
  const file = { callers: { a: { apikeys: [{ env: "A" }] } }, providers: { p: PROVIDER }, version: 1 };
  const bindingOf = (part: object) =>
    parseConfig(JSON.stringify({ ...file, nextauth: NEXTAUTH, ...part }), "f.yaml").config.get_token;
  expect(bindingOf(parse(block(page, "yaml")))).toEqual(bindingOf({}));
});

const PROVIDER = { issuer: "https://idp.example", client_id: "c", client_secret: { env: "S" }, grant_type: "g" };

it("has five worked bindings", () => {
  expect(worked).toHaveLength(5);
});

it("shows what check --call prints about the second example and the default binding", async () => {
  const { status, out } = await checkCall(worked[1]?.http ?? "", { nextauth: NEXTAUTH });
  expect([status, out]).toEqual([1, block(page, "text")]);
});

it("shows patterns that are valid", () => {
  const [patterns] = [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].filter(([, yaml]) => yaml?.includes("pattern:"));
  const { accountid, userid } = parse(patterns?.[1] ?? "").get_token.values;
  const file = fileConfig(TOKEN_ENDPOINT, {
    provider: { params: {} },
    file: { get_token: { values: { accountid, userid } } },
  });
  expect(() => parseConfig(JSON.stringify(file), "f.yaml")).not.toThrow();
});

describe.each(worked)("$title", ({ http, yaml }) => {
  const file = parse(yaml);

  it("is read completely, according to check --call", async () => {
    const { status, out, err } = await checkCall(http, { nextauth: NEXTAUTH, ...file });
    expect({ status, err, out }).toMatchObject({
      status: 0,
      err: "",
      out: expect.stringMatching(/ is present,| missing,/),
    });
    for (const name of Object.keys(file.get_token.values ?? {}))
      expect(out).toMatch(new RegExp(`^  ${name} .+, from `, "m"));
  });

  it("supplies the four values, and those that the file adds", async () => {
    const names = new Set(["serverid", "userid", "accountid", "nonce", ...Object.keys(file.get_token.values ?? {})]);
    const params = Object.fromEntries([...names].map((name) => [name, `{{${name}}}`]));
    const { app, upstream } = await buildApp({ provider: { params }, file, secrets: { NEXTAUTH_APIKEY: "a key" } });
    const { answer } = upstream;
    // nextAuth's userid is the text that a pattern is for.
    const userid = file.get_token.values?.userid?.pattern ? "urn:user:alice" : "alice";
    upstream.answer = (request) =>
      request.method === "GET" ? response(200, { loggedin: true, userid, accountid: 7 }) : answer(request);
    const answered = await app.request(requestOf(http, file.get_token.apikey_header ?? "X-apikey"));
    expect(answered.status).toBe(200);
    const { grant_type, ...sent } = Object.fromEntries(new URLSearchParams(upstream.requests.at(-1)?.body));
    expect(sent).toMatchObject({ ...CALL, accountid: "7", nonce: NONCE });
    expect(Object.keys(sent).sort()).toEqual([...names].sort());
  });
});

describe("the table of what the app would see", () => {
  const section = page.split("\n## ").find((part) => part.startsWith("What the SDK and the app get")) as string;
  const rows = [...section.matchAll(/^\| (.+?) \| `(\w+)` \|/gm)].map(([, what = "", name = ""]) => ({ what, name }));
  const codesOf = (name: string) =>
    rows.filter((row) => row.name === name).flatMap(({ what }) => what.match(CODE) ?? []);
  const CODE = /(?<=`)[a-z]+_[a-z_]+(?=`)/g;

  it("lists the codes of each class, and leaves the rest to our_errors", () => {
    const statuses = { user_refusals: 598, call_errors: 597, our_errors: 599 };
    const changed = Object.entries(withStatuses(statuses));
    const withStatus = (wanted: number) => changed.flatMap(([code, [status]]) => (status === wanted ? [code] : []));
    expect(codesOf("user_refusals").sort()).toEqual(withStatus(598).sort());
    expect(codesOf("call_errors").sort()).toEqual(withStatus(597).sort());
    for (const code of withStatus(599)) expect(ERROR_TABLE[code as ErrorCode][0], code).toBeGreaterThanOrEqual(500);
  });

  it("has the error of a refusal that is not relayed", async () => {
    const { app, upstream } = await buildApp({ file: { get_token: { answer: { refusals: "own" } } } });
    upstream.answer = () => response(400, { error: "invalid_grant" });
    const sent = (await (await app.request(call())).text()).replaceAll("main", "retail");
    const shown = block(section, "json").trim().replace('"7f1c…"', '"uuid-1"');
    expect(sent).toBe(shown);
  });
});
