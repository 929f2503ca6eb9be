// An issuer in memory: real keys and tokens, with JWKS and introspection behind a fake fetch.

import { Hono } from "hono";
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, SignJWT } from "jose";
import { type AccessTokenOptions, accessToken } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { type FakeFetch, fakeFetch, showReason } from "./fake-fetch.ts";

export const ISSUER = "https://sso.bank.example/realms/retail";
export const AUDIENCE = "https://api.bank.example";
export const JWKS_URI = `${ISSUER}/jwks`;
export const INTROSPECTION = `${ISSUER}/introspect`;

export interface IssuerKey {
  alg: string;
  publicKey: GenerateKeyPairResult["publicKey"];
  privateKey: GenerateKeyPairResult["privateKey"];
  /** As the JWKS publishes it. */
  jwk: JWK;
}

export async function issuerKey(kid: string | undefined, alg = "ES256"): Promise<IssuerKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const jwk = { ...(await exportJWK(publicKey)), ...(kid === undefined ? {} : { kid }), alg, use: "sig" };
  return { alg, publicKey, privateKey, jwk };
}

export const NOW_SECONDS = NOW / 1_000;

/** A token for alice and this server, valid for five minutes. */
export const CLAIMS = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: "alice",
  scope: "accounts",
  iat: NOW_SECONDS,
  exp: NOW_SECONDS + 300,
} as const;

/** @param claims changes of CLAIMS; undefined removes one */
export async function sign(
  { alg, privateKey, jwk: { kid } }: IssuerKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const protectedHeader = { alg, ...(kid === undefined ? {} : { kid }), ...header };
  return new SignJWT({ ...CLAIMS, ...claims } as Record<string, unknown>)
    .setProtectedHeader(protectedHeader)
    .sign(privateKey);
}

export interface FakeIssuer {
  fetch: typeof fetch;
  jwks: FakeFetch;
  introspection: FakeFetch;
}

export function fakeIssuer(...keys: IssuerKey[]): FakeIssuer {
  const jwks = fakeFetch(publish(...keys));
  const introspection = fakeFetch(() => Response.json({ active: true }));
  return {
    jwks,
    introspection,
    fetch: (input, init) => (input === INTROSPECTION ? introspection : jwks).fetch(input, init),
  };
}

export function publish(...keys: IssuerKey[]): FakeFetch["answer"] {
  return () => Response.json({ keys: keys.map(({ jwk }) => jwk) });
}

/**
 * @returns sends a request to a resource server that trusts the issuer and responds with the claims
 */
export function resourceServer(
  { fetch }: FakeIssuer,
  options: Partial<AccessTokenOptions> = {},
): (authorization: string | undefined) => Promise<Response> {
  const middleware = accessToken({
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: ["ES256", "RS256"],
    jwks_uri: JWKS_URI,
    fetch,
    ...options,
  });
  const app = new Hono().use(showReason, middleware).get("/", (c) => c.json(c.var.claims));
  return async (authorization) => app.request("/", authorization === undefined ? {} : { headers: { authorization } });
}
