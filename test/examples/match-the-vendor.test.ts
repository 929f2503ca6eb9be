// docs/match-the-vendor.md: each request is read by its binding; the default binding is current.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { ERROR_TABLE, type ErrorCode, withStatuses } from "../../src/core/errors.ts";
import { buildApp, call } from "../support/app.ts";
import { APIKEY, CALL, NONCE } from "../support/call.ts";
import { response } from "../support/fakes.ts";

const page = readFileSync(new URL("../../docs/match-the-vendor.md", import.meta.url), "utf8");

/** Title, request and binding of each numbered section. */
const worked = page
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

function requestOf(http: string): Request {
  const [head = "", body] = http.trimEnd().split("\n\n", 2);
  const [line = "", ...fields] = head.split("\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = new Headers(fields.map((field) => field.split(": ", 2) as [string, string]));
  headers.set("X-apikey", APIKEY);
  return new Request(`https://proxy.example${target}`, { method, headers, ...(body === undefined ? {} : { body }) });
}

it("shows the default binding as it is", () => {
  const file = { callers: { a: { apikeys: [{ env: "A" }] } }, providers: { p: PROVIDER }, version: 1 };
  const nextauth = { url: "https://ns.example", apikey: { env: "N" }, serverid: "a" };
  const bindingOf = (part: object) =>
    parseConfig(JSON.stringify({ ...file, nextauth, ...part }), "f.yaml").config.get_token;
  expect(bindingOf(parse(block(page, "yaml")))).toEqual(bindingOf({}));
});

const PROVIDER = { issuer: "https://idp.example", client_id: "c", client_secret: { env: "S" }, grant_type: "g" };

it("has three worked bindings", () => {
  expect(worked).toHaveLength(3);
});

describe.each(worked)("$title", ({ http, yaml }) => {
  it("supplies the four values, and those that the file adds", async () => {
    const file = parse(yaml);
    const names = new Set(["serverid", "userid", "accountid", "nonce", ...Object.keys(file.get_token.values)]);
    const params = Object.fromEntries([...names].map((name) => [name, `{{${name}}}`]));
    const { app, upstream } = await buildApp({ provider: { params }, file, secrets: { NEXTAUTH_APIKEY: "a key" } });
    const { answer } = upstream;
    upstream.answer = (request) =>
      request.method === "GET" ? response(200, { loggedin: true, userid: "alice", accountid: 7 }) : answer(request);
    expect((await app.request(requestOf(http))).status).toBe(200);
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
