// The keys that this proxy publishes, and the JWTs that it signs.

import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { SigningAlgorithm } from "../../src/oauth/signing-key.ts";
import { APIKEY, callGetToken } from "../support/call.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

const ISSUER = "https://tokens.bank.example/proxy";
const ALGORITHMS: SigningAlgorithm[] = ["ES256", "ES384", "PS256", "RS256", "EdDSA"];

let provider: RecordingProvider;
let host: Host;

/** One provider for each algorithm, PEM and JWK in turn, told apart by the serverid. */
beforeAll(async () => {
  provider = await startRecordingProvider();
  const secrets: Record<string, string> = { APIKEY, SECRET: "a client secret" };
  const keys: object[] = [];
  const providers: Record<string, object> = {};
  for (const [index, alg] of ALGORITHMS.entries()) {
    const { pem, jwk } = await makeKey(alg);
    secrets[alg] = index % 2 === 0 ? pem : JSON.stringify(jwk);
    keys.push({ kid: `key-${alg}`, alg, private_key: { env: alg } });
    providers[alg] = {
      token_endpoint: provider.tokenEndpoint,
      client_id: "token-proxy",
      client_secret: { env: "SECRET" },
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      jwt: {
        user: {
          kid: `key-${alg}`,
          ttl: "90s",
          backdate: "2s",
          header: { "x-note": "for {{userid}}" },
          claims: {
            sub: "user-{{userid}}",
            account: "{{accountid}}",
            text: "account {{accountid}}",
            list: ["{{serverid}}", 9007199254740991, true],
            deep: { number: 1.5, nothing: [] },
            nbf: "{{iat}}",
            jti: alg === "ES384" ? null : "{{uuid}}",
          },
        },
      },
    };
  }
  const certified = await makeSelfSigned("certified");
  Object.assign(secrets, { CERTIFIED: certified.private_key, CERTIFICATE: certified.certificate });
  keys.push({
    kid: "certified",
    alg: "ES256",
    private_key: { env: "CERTIFIED" },
    certificate: { env: "CERTIFICATE" },
    use: "verify",
  });
  host = await startHost(
    {
      version: 1,
      server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" },
      callers: { ns: { apikeys: [{ env: "APIKEY" }] } },
      signing: { issuer: ISSUER, keys },
      providers,
      routes: ALGORITHMS.map((alg) => ({ serverid: alg, provider: alg })),
    },
    secrets,
  );
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

const get = (path: string) =>
  callGetToken(host.url, { method: "GET", path, body: undefined, headers: { "X-apikey": undefined } });
const published = async () => (await get("/proxy/.well-known/jwks.json")).json() as unknown as JSONWebKeySet;

async function assertionFor(alg: string): Promise<string> {
  expect((await callGetToken(host.url, { body: { serverid: alg, userid: "alice", accountid: 7 } })).status).toBe(200);
  return String(new URLSearchParams(provider.requests.at(-1)?.body).get("assertion"));
}

describe(`signing on ${RUNTIME}`, () => {
  it.each(ALGORITHMS)("signs with %s, typed as in the file, and verifies by the published keys", async (alg) => {
    const assertion = await assertionFor(alg);
    expect(decodeProtectedHeader(assertion)).toEqual({ alg, kid: `key-${alg}`, typ: "JWT", "x-note": "for alice" });
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(await published()), { algorithms: [alg] });
    const { iat, exp, jti, ...claims } = payload;
    expect(claims).toEqual({
      iss: ISSUER,
      sub: "user-alice",
      aud: provider.tokenEndpoint,
      account: 7,
      text: "account 7",
      list: [alg, 9007199254740991, true],
      deep: { number: 1.5, nothing: [] },
      nbf: iat,
    });
    expect((exp ?? 0) - (iat ?? 0)).toBe(92);
    if (alg === "ES384") expect(jti).toBeUndefined();
    else expect(jti).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("publishes only the public halves, of every key, verify-only keys included", async () => {
    const { keys } = await published();
    expect(keys.map(({ kid }) => kid)).toEqual([...ALGORITHMS.map((alg) => `key-${alg}`), "certified"]);
    const members = new Set(keys.flatMap((key) => Object.keys(key)));
    expect([...members].sort()).toEqual(["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"]);
  });

  it.each(["/proxy/.well-known/openid-configuration", "/.well-known/oauth-authorization-server/proxy"])(
    "publishes its metadata at %s, cacheable",
    async (path) => {
      const answer = await get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers["content-type"]).toBe("application/json");
      expect(answer.headers["cache-control"]).toBe("public, max-age=300");
      expect(answer.json()).toMatchObject({ issuer: ISSUER, jwks_uri: `${ISSUER}/.well-known/jwks.json` });
    },
  );

  it("allows only GET and HEAD for its documents", async () => {
    const answer = await callGetToken(host.url, { path: "/proxy/.well-known/jwks.json" });
    expect(answer.status).toBe(405);
    expect(answer.headers.allow).toBe("GET, HEAD");
    expect((await get("/.well-known/jwks.json")).status).toBe(404);
  });

  it("passes neither key nor assertion on when the provider quotes the assertion", async () => {
    provider.answer = (socket, request) => json({ error: "invalid_grant", quoted: request.body }, 400)(socket, request);
    const answer = await callGetToken(host.url, { body: { serverid: "ES256", userid: "alice", accountid: 7 } });
    expect(answer.json()).toMatchObject({ error_code: "provider_error" });
    await expect.poll(() => host.output()).toContain(answer.headers["x-request-id"]);
    expect(answer.text + host.output()).not.toMatch(/PRIVATE KEY|eyJ/);
  });
});
