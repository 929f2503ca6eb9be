// The command `check --call`: what it says about an example of a request.
// test/examples/match-the-vendor.test.ts has those of the docs.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { fileConfig } from "../support/config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const folder = temporaryFolder();
const NEXTAUTH = { url: "https://ns.invalid", apikey: { env: "NOT_SET" }, serverid: "c2VydmVyLTE=" };
const KEY = "an-apikey-that-is-not-printed";

/** No variable is set, and no host of the file exists: it works without secrets and servers. */
async function check(http: string, file: object = {}, ...args: string[]) {
  await writeFile(join(folder, "example.http"), http);
  const provider = { token_endpoint: undefined, issuer: "https://idp.invalid", params: { userid: "{{userid}}" } };
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(fileConfig("", { provider, file })));
  const { status, out, err } = await runCommand(["check", "--call", "example.http", ...args], { cwd: folder });
  expect(out).not.toContain(KEY);
  return { status, lines: out.split("\n").filter(Boolean), err, proposal: parse(out.split("\n\n")[1] ?? "") };
}

const HEAD = `POST /getToken HTTP/1.1
Host: proxy.bank.example
X-apikey: ${KEY}
X-nonce: 5f1d7a84db00d2fce00b31a7fc73224f
Content-Type: application/json`;
const BODY = '{ "serverid": "c2VydmVyLTE=",\n  "userid": "alice", "accountid": 7 }';
const WHOLE = `${HEAD}\n\n${BODY}\n`;

const READ = [
  "binding           POST /getToken, session: trust",
  "  serverid        c2VydmVyLTE= (text), from body:/serverid",
  "  userid          alice (text), from body:/userid",
  "  accountid       7 (integer), from body:/accountid",
  "  nonce           32 characters (text), from header:x-nonce",
  "caller            callers.nextauth-server: x-apikey is present, and would be compared",
];

it.each([
  ["as it is printed", WHOLE],
  ["with CRLF", WHOLE.replaceAll("\n", "\r\n")],
  ["with CR", WHOLE.replaceAll("\n", "\r")],
  ["without a line break at the end", WHOLE.trimEnd()],
  ["with empty lines and spaces around it", `\n \n${WHOLE.replaceAll("\n", "  \n")}\n\n`],
  ["without the version of HTTP", WHOLE.replace(" HTTP/1.1", "")],
  ["with an absolute URL", WHOLE.replace("/getToken", "https://proxy.bank.example:8443/getToken")],
  ["with a query that no value needs", WHOLE.replace("/getToken", "/getToken?trace=1")],
  ["with an empty line in its JSON", WHOLE.replace(",\n", ",\n\n")],
])("reads an example %s: status 0", async (_, http) => {
  expect(await check(http)).toEqual({ status: 0, lines: READ, err: "", proposal: null });
});

it("proposes places with similar names, as YAML that reads the example", async () => {
  const members = { server: { ID: "a" }, user: { UserID: "alice", Account: { Number: 7 } }, device: { name: "phone" } };
  const values = { userid: ["body:/userid"], device: { from: ["body:/device"], max_length: 64, required: true } };
  const example = `${HEAD}\n\n${JSON.stringify(members)}`;
  const { status, lines, proposal } = await check(example, { get_token: { values } });
  expect(status).toBe(1);
  expect(lines).toContain("  userid          alice (text), would come from body:/user/UserID");
  expect(proposal.get_token.values).toEqual({
    userid: ["body:/user/UserID"],
    device: { from: ["body:/device/name"], max_length: 64, required: true },
  });
  expect(await check(example, proposal)).toMatchObject({ status: 0, proposal: null });
});

it.each<[string, string, { method: string; values: object }]>([
  [
    "a form",
    "POST /token\nContent-Type: application/x-www-form-urlencoded\n\nsid=a&userName=alice&nonce=n",
    { method: "POST", values: { serverid: ["form:sid"], userid: ["form:userName"], nonce: ["form:nonce"] } },
  ],
  [
    "names that YAML needs in quotes, in the query",
    "GET /t?virtual%20server%5Bid%5D=a&user%2C=alice&nonce=n",
    {
      method: "GET",
      values: { serverid: ["query:virtual server[id]"], userid: ["query:user,"], nonce: ["query:nonce"] },
    },
  ],
])("proposes the values of %s, if no binding has the method and the path", async (_, http, binding) => {
  const { status, lines, proposal } = await check(http);
  expect(status).toBe(1);
  expect(lines[0]).toBe("binding           none; the file has POST /getToken");
  expect(proposal.get_token.values).toMatchObject(binding.values);
  const path = /\/\w+/.exec(http)?.[0];
  expect(proposal.get_token).toMatchObject({ method: binding.method, path: null });
  expect(await check(http, { get_token: { ...proposal.get_token, path } })).toMatchObject({
    status: 0,
    proposal: null,
  });
});

it("never proposes, and never prints, a credential", async () => {
  const headers = `Authorization: Bearer ${KEY}\nCookie: user=${KEY}\nX-User: ${KEY}`;
  const values = { userid: ["body:/userid"], user_token: ["header:Authorization"] };
  const get_token = { values, apikey_header: "X-User" };
  const { lines } = await check(`POST /getToken\n${headers}\nContent-Type: application/json\n\n{}`, { get_token });
  expect(lines.slice(1)).toEqual([
    "  userid          is not found by its name, and every call needs it",
    `  user_token      ${KEY.length} characters (text), from header:authorization`,
    "caller            callers.nextauth-server: x-user is present, and would be compared",
    'FAILED            the call has no "userid"',
  ]);
});

it("prints no password of a call, and no nonce that is in its path", async () => {
  const values = { userid: ["form:user"], nonce: ["path:nonce"], password: ["form:pw"], login: ["form:userPassword"] };
  const call = `POST /sessions/${KEY}/token\nX-apikey: k\nContent-Type: application/x-www-form-urlencoded`;
  const example = `${call}\n\nuser=alice&pw=${KEY}&userPassword=${KEY}`;
  expect((await check(example)).lines.join()).not.toContain(KEY);
  const { status, lines } = await check(example, { get_token: { path: "/sessions/{nonce}/token", values } });
  expect([status, lines[0]]).toEqual([0, "binding           POST /sessions/{nonce}/token, session: trust"]);
  expect(lines).toContain(`  login           ${KEY.length} characters (text), from form:userPassword`);
});

it("says why a value is not valid, and ends with status 1", async () => {
  const { status, lines, proposal } = await check(WHOLE.replace("7 }", '"7" }'));
  expect([status, proposal]).toEqual([1, null]);
  expect(lines).toContain('  accountid       the call\'s "accountid" must be an integer');
  expect(lines.at(-1)).toBe('FAILED            the call\'s "accountid" must be an integer');
  const get_token = { values: { userid: { from: ["body:/userid"], pattern: "^urn:(.+)$" } } };
  const unmatched = 'the "userid" does not match its pattern under "get_token.values"';
  expect((await check(WHOLE, { get_token })).lines).toContain(`FAILED            ${unmatched}`);
});

it("keeps patterns in a proposal, and applies them", async () => {
  const values = { userid: { from: ["body:/u"], pattern: "^urn:/(\\w+)$" } };
  const example = `${HEAD}\n\n{"user":"urn:/alice"}`;
  const { lines, proposal } = await check(example, { get_token: { values } });
  expect(lines).toContain("  userid          alice (text), would come from body:/user");
  expect(await check(example, proposal)).toMatchObject({ status: 0 });
});

it("says which proof of the caller is missing", async () => {
  const sha256 = "0123456789abcdef".repeat(4);
  const callers = {
    both: { apikeys: [{ env: "A" }], client_certificates: [{ sha256 }] },
    certified: { client_certificates: [{ sha256 }] },
  };
  const { status, lines } = await check(WHOLE.replace("X-apikey", "X-other"), { callers, nextauth: NEXTAUTH });
  expect([status, ...lines.slice(-2)]).toEqual([
    0,
    "caller            callers.both: x-apikey is missing, but needed; a client certificate is needed, which no file shows",
    "caller            callers.certified: a client certificate is needed, which no file shows",
  ]);
});

it.each<[string, string, string[], RegExp]>([
  ["no request", "{}", [], /^the file has no HTTP request: start it with a line like POST \/getToken HTTP\/1\.1/],
  ["a line that is no header", "POST /getToken\nX-apikey", [], /^the request's headers are not valid: /],
  ["a header beyond ASCII", `POST /getToken\nX-apikey: ${KEY}…`, [], /^the request's headers are not valid: /],
  ["--json", WHOLE, ["--json"], /^option '--json' cannot be used with option '--call <file>'/],
  ["--live", WHOLE, ["--live"], /^option '--call <file>' cannot be used with option '--live'/],
  ["--userid", WHOLE, ["--userid", "alice"], /^--userid, --value and --probe need --live: add it/],
])("is wrong usage with %s: status 2", async (_, http, args, message) => {
  const { status, lines, err } = await check(http, {}, ...args);
  expect([status, lines]).toEqual([2, []]);
  expect(err).toMatch(message);
  expect(err).not.toContain(KEY);
});

it("is wrong usage without the file", async () => {
  const { status, err } = await runCommand(["check", "--call", "none.http"], { cwd: folder });
  expect([status, err]).toEqual([2, "cannot read the request none.http (ENOENT): there is no such file\n"]);
});
