// The keys that this proxy publishes, and the JWTs that it signs.

import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SigningAlgorithm } from "../../src/oauth/signing-key.ts";
import { APIKEY, callGetToken } from "../support/call.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const ISSUER = "https://tokens.bank.example/proxy";
const ALGORITHMS: SigningAlgorithm[] = ["ES256", "ES384", "PS256", "RS256", "EdDSA"];

let provider: RecordingProvider;
let host: Host;

/** A provider for each algorithm, with PEM and JWK in turn; the serverid selects one. */
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
      get_token: { session: "trust" },
      signing: { issuer: ISSUER, keys },
      providers,
      routes: ALGORITHMS.map((alg) => ({ serverid: alg, provider: alg })),
    },
    secrets,
  );
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

it.each(ALGORITHMS)("signs with %s as the file says, and the published keys verify it", async (alg) => {
  const assertion = await assertionFor(alg);
  expect(decodeProtectedHeader(assertion)).toEqual({ alg, kid: `key-${alg}`, typ: "JWT", "x-note": "for alice" });
  const { payload } = await jwtVerify(assertion, createLocalJWKSet(await published()), { algorithms: [alg] });
  const { iat = 0, jti, ...claims } = payload;
  expect(claims).toEqual({
    iss: ISSUER,
    sub: "user-alice",
    aud: provider.tokenEndpoint,
    account: 7,
    text: "account 7",
    list: [alg, 9007199254740991, true],
    deep: { number: 1.5, nothing: [] },
    nbf: iat,
    exp: iat + 92,
  });
  if (alg === "ES384") expect(jti).toBeUndefined();
  else expect(jti).toMatch(/^[0-9a-f-]{36}$/);
});

it("publishes only the public halves, of every key, verify-only keys included", async () => {
  const { keys } = await published();
  expect(keys.map(({ kid }) => kid)).toEqual([...ALGORITHMS.map((alg) => `key-${alg}`), "certified"]);
  const members = new Set(keys.flatMap((key) => Object.keys(key)));
  expect([...members].sort()).toEqual(["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"]);
});
