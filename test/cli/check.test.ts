// The command `check`: what it says about the file, and one token request with --live.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { check as runCheck } from "../../src/cli/check.ts";
import { APIKEY } from "../support/call.ts";
import { fileConfig, providerConfig } from "../support/config.ts";
import { makeKey } from "../support/keys.ts";
import {
  type AuthorizationServer,
  POST_CLIENT,
  startAuthorizationServer,
  USER_GRANT,
} from "../support/oidc-provider.ts";
import { runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

let server: AuthorizationServer;
const folder = temporaryFolder();

beforeAll(async () => {
  server = await startAuthorizationServer();
});
afterAll(() => server?.close());

const SECRETS = { APIKEY, CLIENT_SECRET: POST_CLIENT.client_secret };
const LIVE = ["--live", "--userid", "alice"];

const CLIENT = {
  client_id: POST_CLIENT.client_id,
  token_endpoint_auth_method: "client_secret_post",
  grant_type: USER_GRANT,
  params: { userid: "{{userid}}" },
  scope: "accounts",
};

/** A file whose provider is the real authorization server, found by discovery. */
async function write(changes: object = {}, file: object = {}): Promise<void> {
  const provider = { token_endpoint: undefined, issuer: server.issuer, ...CLIENT, ...changes };
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(fileConfig("", { provider, file })));
}

const check = (args: string[] = [], env: Record<string, string> = SECRETS) =>
  runCommand(["check", ...args], { cwd: folder, env });

describe("check", () => {
  it("prints what it finds and ends with status 0", async () => {
    await write();
    const { status, out, err } = await check();
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toMatch(/^token-proxy\.yaml: no faults, every secret and key is there\n/);
    expect(out).toMatch(/getToken +method: POST, path: \/getToken, /);
    expect(out).toMatch(/client +client_id: post-client, method: client_secret_post, grant_type: /);
    expect(out).toContain(`${server.issuer}/token, discovered\n`);
    expect(out).not.toContain("warning");
  });

  it("requests one token with --live, and prints what it says but never the token", async () => {
    await write();
    const live = runCli(["check", ...LIVE], { cwd: folder, env: SECRETS });
    const status = await live.exit();
    const out = live.stdout();
    expect([status, live.stderr()]).toEqual([0, ""]);
    expect(out).toMatch(/live +one token request\n {2}answer +main answered 200 with \d+ bytes\n/);
    expect(out).toMatch(/members +access_token, token_type, expires_in, scope/);
    expect(out).toContain('"sub":"alice"');
    const { access_token } = JSON.parse((server.sent.at(-1) as Buffer).toString("utf8"));
    expect(out).not.toContain(access_token.split(".")[2]);
    expect(out).not.toContain(POST_CLIENT.client_secret);
  });

  it("prints what a binding and an exchange get, and asks the provider of the binding that is chosen", async () => {
    const answer = { refusals: "own", statuses: { our_errors: 500, no_route: 421 } };
    const get_token = [
      { path: "/other", provider: "other", answer },
      { path: "/getToken", provider: "main" },
    ];
    const nextauth = { url: "http://127.0.0.1:1", apikey: { env: "APIKEY" }, serverid: "a" };
    const other = providerConfig("http://127.0.0.1:1/token", { params: {}, answer: { format: "any" } });
    const main = providerConfig("", { token_endpoint: undefined, issuer: server.issuer, ...CLIENT });
    const webnonce_exchange = [{ provider: "other" }, { path: "/b", provider: "main" }];
    await write({}, { providers: { main, other }, get_token, nextauth, webnonce_exchange });
    const { out } = await check([...LIVE, "--path", "/getToken"]);
    expect(out).toMatch(
      /getToken +.*path: \/other.* provider: other, refusals: own, our_errors: 500, no_route: 421, timeout: 300 s\n/,
    );
    expect(out).toMatch(
      /getToken +.*path: \/getToken.* session: verify.* provider: main, refusals: relay, timeout: 300 s\n/,
    );
    expect(out).toMatch(
      /exchange +path: \/token, provider: other, timeout: 8 s\nwebNonce exchange +path: \/b, provider: main, timeout: 8 s\n/,
    );
    expect(out).toMatch(/ format: json, require: access_token\n/);
    expect(out).toMatch(/ format: any/);
    expect(out).toMatch(/answer +main answered 200/);
    expect((await check(LIVE)).out).toMatch(/FAILED +provider_unreachable: the provider "providers\.other"/);
    const unknown = await check([...LIVE, "--path", "/x"]);
    expect([unknown.status, unknown.err]).toEqual([2, "no binding has this --path: the file has /other, /getToken\n"]);
  });

  it("ends with status 1 if the provider refuses the user or rejects this proxy", async () => {
    await write();
    const refused = await check(["--live", "--userid", "mallory"]);
    expect(refused.status).toBe(1);
    expect(refused.out).toContain("FAILED          the provider refuses this user (invalid_grant)");
    expect(refused.out).toMatch(/request +POST \S+\/token: status 400\n {2}it says +invalid_grant/);
    const rejected = await check(LIVE, { ...SECRETS, CLIENT_SECRET: "wrong" });
    expect(rejected.status).toBe(1);
    expect(rejected.out).toMatch(/FAILED +provider_rejected_proxy: .*"providers\.main" rejects this proxy/);
    expect(rejected.out).toMatch(
      /it says +invalid_client: .*\n {2}FAILED .*\n {2}advice +compare client_id and client_secret/,
    );
  });

  it("prints which keys sign and which are only published", async () => {
    const { pem } = await makeKey("ES256");
    const key = (kid: string) => ({ kid, alg: "ES256", private_key: { env: "KEY" } });
    await write({}, { signing: { keys: [key("new"), { ...key("old"), use: "verify" }] } });
    const { out } = await check([], { ...SECRETS, KEY: pem });
    expect(out).toMatch(/signing +ES256 new, signs\nsigning +ES256 old, is only published\npublished +nowhere/);
  });

  const EXCHANGE = { webnonce_exchange: {} };
  it.each<[string, object, boolean]>([
    [
      "warns if apps reach the exchange without a trusted proxy",
      { server: { listen: "0.0.0.0:8080" }, ...EXCHANGE },
      true,
    ],
    ["warns so for an IPv6 address", { server: { listen: "[2001:db8::1]:8080" }, ...EXCHANGE }, true],
    [
      "does not warn with a trusted proxy",
      { server: { listen: "0.0.0.0:8080", trusted_proxies: ["10.0.0.0/8"] }, ...EXCHANGE },
      false,
    ],
    ["does not warn on loopback", { server: { listen: "[::1]:8080" }, ...EXCHANGE }, false],
    ["does not warn without an exchange", { server: { listen: "0.0.0.0:8080" } }, false],
  ])("%s", async (_what, file, warns) => {
    const nextauth = { url: "http://127.0.0.1:1", apikey: { env: "APIKEY" }, serverid: "a" };
    await write({}, { nextauth, ...file });
    const { out } = await check();
    const warning =
      /warning +server\.trusted_proxies: it is empty: .* add its address there, or all apps share one limit/;
    expect(warning.test(out)).toBe(warns);
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    [
      "a faulty file and a missing secret",
      [],
      {},
      /^token-proxy\.yaml:1:\d+ "providers\.main\.client_secret" .*CLIENT_SECRET.* not set/m,
    ],
    ["--live without a user", ["--live"], SECRETS, /^--live needs a user or a session: add --userid, or a nonce/m],
    ["--probe without --live", ["--probe"], SECRETS, /^--userid, --value and --probe need --live: add it$/m],
    [
      "a value that no binding has",
      ["--live", "--userid", "alice", "--value", "foo=bar"],
      SECRETS,
      /^"foo" is not a name under get_token\.values$/m,
    ],
    ["a user without --live", ["--userid", "alice"], SECRETS, /^--userid, --value and --probe need --live: add it$/m],
  ])("ends with status 2 for %s", async (_, args, env, expected) => {
    await write();
    const { status, out, err } = await check(args, env);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(expected);
  });
});

it("--json does not quote the message of a bug, which may be about a secret", async () => {
  const printed = vi.spyOn(console, "log").mockReturnValue();
  const options = {
    json: true,
    config: "token-proxy.yaml",
    get envFile(): string {
      throw new Error("s3cret");
    },
  };
  await expect(runCheck(options)).rejects.toThrow("s3cret");
  expect(JSON.parse(printed.mock.lastCall?.[0])).toMatchObject({
    findings: [{ level: "fault", message: "ended by a bug" }],
  });
  printed.mockRestore();
});
