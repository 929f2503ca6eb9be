// What `check` finds out about providers and nextAuth Servers by asking them.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { NONCE } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { unsignedJwt } from "../support/fakes.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { json, type RecordingProvider, respond, startRecordingProvider, token } from "../support/recording-provider.ts";
import { useCheck } from "./use-check.ts";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
const checked = useCheck();

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
  nextauth.setUserAttributes(SERVERID, "alice", { branch: "Gent" });
});
beforeEach(() => {
  provider.answer = token();
  provider.requests.length = 0;
  nextauth.requests.length = 0;
});
afterAll(async () => {
  await provider?.close();
  await nextauth?.close();
});

const check = (file: object, args: string[] = [], env: Record<string, string> = {}) =>
  checked.check(file, args, { NEXTAUTH_APIKEY, ...env });

describe("a nextAuth Server", () => {
  const file = (settings: object, get_token: object = {}) =>
    fileConfig(provider.tokenEndpoint, {
      provider: { params: { userid: "{{userid}}", branch: "{{attributes.branch}}" } },
      file: {
        callers: { ns: { apikeys: [{ env: "APIKEY" }] } },
        nextauth: settings,
        webnonce_exchange: {},
        get_token,
      },
    });

  it("is asked about a session that cannot exist", async () => {
    const { status, out, err } = await check(file(nextauthConfig(nextauth, { serverid: SERVERID })));
    expect([status, err]).toEqual([0, ""]);
    expect(out).toMatch(/nextauth +http:\/\/127\.0\.0\.1:\d+\n(?: {2}risk .*\n)? {2}getSession +answered\n/);
    expect(out).toMatch(/getToken +.*session: verify/);
    expect(out).toMatch(/webNonce exchange +path: \/token/);
    expect(nextauth.requests.map(({ target }) => target)).toEqual(["/servers/c2VydmVyLTE%3D/sessions/"]);
    expect(provider.requests).toEqual([]);
  });

  it("that refuses the API key or cannot be reached is named by its key in the file, with status 1", async () => {
    const servers = [
      nextauthConfig(nextauth, { serverid: SERVERID, serverids: [SERVERID] }),
      nextauthConfig({ url: "http://127.0.0.1:1" }, { serverids: ["other"] }),
    ];
    const { status, out } = await check(file(servers), [], { NEXTAUTH_APIKEY: "another key" });
    expect(status).toBe(1);
    expect(out).toMatch(/FAILED +session_check_failed: .*"nextauth\[0\]".*nextauth_status 401/);
    expect(out).toMatch(/FAILED +session_check_failed: .*"nextauth\[1\]".*\(ECONNREFUSED\)/);
    expect(out).toMatch(
      /advice +nothing listens on 127\.0\.0\.1:1: is it running, and is the port right \(nextauth\[1\]\.url\)\?/,
    );
    expect(out).not.toContain("nextauth[0].url"); // it did answer
    expect(out).not.toContain("another key");
  });

  it("confirms the session of a --live request that has a nonce", async () => {
    const live = ["--live", "--userid", "alice", "--value", "nonce=env:NONCE"];
    const config = file(nextauthConfig(nextauth, { serverid: SERVERID }));
    const nonce = nextauth.login(SERVERID, ALICE);
    const found = await check(config, live, { NONCE: nonce });
    expect(found.status).toBe(0);
    expect(found.out).toMatch(/answer +main answered 200 /);
    expect(new URLSearchParams(provider.requests[0]?.body).get("branch")).toBe("Gent");
    expect(found.out).not.toContain(nonce);

    const refused = await check(config, live, { NONCE });
    expect(refused.status).toBe(1);
    expect(refused.out).toMatch(/FAILED +session_not_logged_in/);
    expect(provider.requests).toHaveLength(1);
  });

  it("is not asked about a --live request without a nonce", async () => {
    const config = file(nextauthConfig(nextauth, { serverid: SERVERID }));
    expect((await check(config, ["--live", "--userid", "alice"])).status).toBe(0);
  });

  it("names the user if no binding reads a userid, so --live then needs a nonce", async () => {
    const config = file(nextauthConfig(nextauth, { serverid: SERVERID }), { values: { nonce: ["header:X-nonce"] } });
    const NONCE = nextauth.login(SERVERID, ALICE);
    const found = await check(config, ["--live", "--value", "nonce=env:NONCE"], { NONCE });
    expect([found.status, found.err]).toEqual([0, ""]);
    expect(new URLSearchParams(provider.requests[0]?.body).get("userid")).toBe("alice");

    const without = await check(config, ["--live"]);
    expect([without.status, without.out]).toEqual([2, ""]);
    expect(without.err).toMatch(/^--live needs a user or a session: .* a nonce with --value nonce=env:VARIABLE\n$/);
  });
});

describe("a provider", () => {
  const discovered = () => fileConfig("", { provider: { token_endpoint: undefined, issuer: provider.url } });
  const metadata = (changes: object = {}) => ({
    issuer: provider.url,
    token_endpoint: provider.tokenEndpoint,
    ...changes,
  });

  it("is warned of if its metadata does not list our grant or authentication method", async () => {
    const lists = { grant_types_supported: ["a"], token_endpoint_auth_methods_supported: ["client_secret_basic"] };
    provider.answer = json(metadata(lists));
    const { status, out } = await check(discovered());
    expect(status).toBe(0);
    expect(out.split("\n").filter((line) => line.includes("warning"))).toEqual([
      "  warning         providers.main: its grant_types_supported lacks urn:example:user: enable it there, use one of a, or see with --live if it works",
    ]);
  });

  it("with several credentials is described with their number", async () => {
    const file = (...client_secret: object[]) => fileConfig(provider.tokenEndpoint, { provider: { client_secret } });
    const secret = { env: "CLIENT_SECRET" };
    const { status, out } = await check(file(secret, { env: "NEXT" }), [], { NEXT: "next-secret" });
    expect([status, out]).toEqual([0, expect.stringMatching(/^ {2}rotation {8}2 credentials, tried in this order$/m)]);
    expect((await check(file(secret))).out).not.toContain("rotation");
  });

  it("may issue JWTs, in which --live finds the claim for expect_subject", async () => {
    provider.answer = json({ access_token: unsignedJwt({ sub: "alice" }) });
    const named = fileConfig(provider.tokenEndpoint, { provider: { params: { userid: "{{userid}}" } } });
    expect((await check(named, ["--live", "--userid", "alice"])).out).toContain(
      "set expect_subject: access_token.sub\n",
    );
  });

  it("gets a kind suggested if its metadata looks like a known product, and the user's claim of that product", async () => {
    const endpoints = `${provider.url}/realms/a/protocol/openid-connect`;
    provider.answer = json(metadata({ token_endpoint: `${endpoints}/token`, jwks_uri: `${endpoints}/certs` }));
    const { out } = await check(discovered());
    expect(out).toMatch(/advice +it looks like keycloak: set kind: keycloak/);
    expect(out).toContain("such as access_token.preferred_username");
    const known = { token_endpoint: undefined, issuer: provider.url, kind: "keycloak" };
    expect((await check(fileConfig("", { provider: known }))).out).not.toContain("it looks like");
  });

  it("may send a body of any kind, of which --live prints what a JWT says, and never advises expect_subject", async () => {
    const jwt = unsignedJwt({ sub: "alice" }, {});
    const params = { userid: "{{userid}}" };
    const any = fileConfig(provider.tokenEndpoint, { provider: { params, answer: { format: "any" } } });
    for (const [body, printed] of [
      [jwt, /members +body\n {2}body +a JWT, \{"sub":"alice"\}\n/],
      ["the-opaque-token", /members +body\n {2}body +opaque, not a JWT\n/],
    ] as const) {
      provider.answer = respond({ body });
      const { status, out } = await check(any, ["--live", "--userid", "alice"]);
      expect(status).toBe(0);
      expect(out).toMatch(printed);
      expect(out).not.toContain(body);
      expect(out).not.toContain("advice");
    }
  });

  it("whose discovery failed is explained once, also if --live then needs it", async () => {
    provider.answer = json({ message: "no such page" }, 404);
    const params = { userid: "{{userid}}" };
    const file = fileConfig("", { provider: { token_endpoint: undefined, issuer: provider.url, params } });
    const { status, out } = await check(file, ["--live", "--userid", "alice"]);
    expect(status).toBe(1);
    expect(out.match(/FAILED +provider_wrong_endpoint/g)).toHaveLength(2);
    expect(out.match(/ request +GET/g)).toHaveLength(1);
  });

  it("that says it is another issuer fails the check with status 1", async () => {
    provider.answer = json(metadata({ issuer: "https://other.example" }));
    const { status, out } = await check(discovered());
    expect(status).toBe(1);
    expect(out).toMatch(/FAILED +provider_error: .*"providers\.main/);
  });

  const date = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();

  it.each<[string, () => Record<string, string>, RegExp | undefined]>([
    [
      "ahead of ours is warned of",
      () => ({ Date: date(90) }),
      /warning .*provider main, seconds (?:89|9\d), .*ahead of/,
    ],
    ["behind ours is warned of", () => ({ Date: date(-90) }), /warning .*provider main, seconds (?:89|9\d), .*behind/],
    ["from a cache is not warned of", () => ({ Date: date(-3_600), Age: "3600" }), undefined],
    ["unknown is not warned of", () => ({}), undefined],
  ])("with a clock %s", async (_, headers, warning) => {
    provider.answer = (socket, request) =>
      respond({
        headers: { "Content-Type": "application/json", ...headers() },
        body: JSON.stringify(metadata()),
      })(socket, request);
    const { status, out } = await check(discovered());
    expect(status).toBe(0);
    if (warning === undefined) expect(out).not.toContain("warning");
    else expect(out).toMatch(warning);
  });
});
