// The command `check` with nextAuth Servers: whether each answers and takes its key, and a live call whose session is checked.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { runCli } from "../support/process.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let folder: string;

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
  nextauth.setUserAttributes(SERVERID, "alice", { branch: "Gent" });
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
});
beforeEach(() => {
  provider.requests.length = 0;
  nextauth.requests.length = 0;
});
afterAll(async () => {
  await provider?.close();
  await nextauth?.close();
  await rm(folder, { recursive: true, force: true });
});

async function check(
  changes: object | object[],
  args: string[] = [],
  env: Record<string, string> = {},
  get_token: object = {},
) {
  const file = fileConfig(provider.tokenEndpoint, {
    provider: { params: { userid: "{{userid}}", branch: "{{attributes.branch}}" } },
    file: {
      callers: { ns: { apikeys: [{ env: "APIKEY" }] } },
      nextauth: changes,
      webnonce_exchange: {},
      get_token,
    },
  });
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, JSON.stringify(file));
  const run = runCli(["check", "--config", path, ...args], { env: { ...SECRETS, NEXTAUTH_APIKEY, ...env } });
  const status = await run.exit();
  return { status, out: run.stdout(), err: run.stderr() };
}

describe("check", () => {
  it("asks each nextAuth Server about a session that cannot exist", async () => {
    const { status, out, err } = await check(nextauthConfig(nextauth, { serverid: SERVERID }));
    expect([status, err]).toEqual([0, ""]);
    expect(out).toMatch(/nextauth +http:\/\/127\.0\.0\.1:\d+\n {2}getSession +answered in \d+ ms/);
    expect(out).toMatch(/getToken +POST \/getToken, session: verify/);
    expect(out).toMatch(/webNonce exchange +POST \/token/);
    expect(nextauth.requests.map(({ target }) => target)).toEqual(["/servers/c2VydmVyLTE%3D/sessions/"]);
    expect(provider.requests).toEqual([]);
  });

  it("ends with 1 where one refuses its key or is not there, and names it by its place in the file", async () => {
    const { status, out } = await check(
      [
        nextauthConfig(nextauth, { serverid: SERVERID, serverids: [SERVERID] }),
        nextauthConfig({ url: "http://127.0.0.1:1" }, { serverids: ["other"] }),
      ],
      [],
      { NEXTAUTH_APIKEY: "another key" },
    );
    expect(status).toBe(1);
    expect(out).toMatch(/FAILED +session_check_failed: .*"nextauth\[0\]".*status 401.*nextauth_status 401/);
    expect(out).toMatch(/FAILED +session_check_failed: .*"nextauth\[1\]" cannot be reached \(ECONNREFUSED\)/);
    expect(out).not.toContain("another key");
  });

  it("checks the session of a live call that has a nonce", async () => {
    const live = ["--live", "--userid", "alice", "--value", "nonce=env:NONCE"];
    const config = nextauthConfig(nextauth, { serverid: SERVERID });
    const nonce = nextauth.login(SERVERID, ALICE);
    const found = await check(config, live, { NONCE: nonce });
    expect(found.status).toBe(0);
    expect(found.out).toMatch(/live +main answered 200 .*\n {2}session +is logged in/);
    expect(new URLSearchParams(provider.requests[0]?.body).get("branch")).toBe("Gent");
    expect(found.out).not.toContain(nonce);

    const refused = await check(config, live, { NONCE });
    expect(refused.status).toBe(1);
    expect(refused.out).toContain("FAILED: session_not_logged_in");
    expect(provider.requests).toHaveLength(1);
  });

  it("needs no userid where no binding has one, but a nonce", async () => {
    const values = { nonce: ["header:X-nonce"] };
    const config = nextauthConfig(nextauth, { serverid: SERVERID });
    const nonce = nextauth.login(SERVERID, ALICE);
    const live = ["--live", "--value", "nonce=env:NONCE"];
    const found = await check(config, live, { NONCE: nonce }, { values });
    expect(found.err).toBe("");
    expect(found.status).toBe(0);
    expect(found.out).toMatch(/live +main answered 200 .*\n {2}session +is logged in/);
    expect(new URLSearchParams(provider.requests[0]?.body).get("userid")).toBe("alice");

    const without = await check(config, ["--live"], {}, { values });
    expect([without.status, without.out]).toEqual([2, ""]);
    expect(without.err).toBe(
      "--live needs --value nonce=env:VARIABLE: by the nonce the nextAuth Server says whom the token is for\n",
    );
  });

  it("says that the session is not checked where there is no nonce", async () => {
    const { status, out } = await check(nextauthConfig(nextauth, { serverid: SERVERID }), [
      "--live",
      "--userid",
      "alice",
    ]);
    expect(status).toBe(0);
    expect(out).toMatch(/session +not checked: give a nonce with --value/);
  });
});
