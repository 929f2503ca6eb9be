// What `check` says about a provider's words: which key of the file they probably mean.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileConfig } from "../support/config.ts";
import { makeKey } from "../support/keys.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { useCheck } from "./use-check.ts";

const { check } = useCheck();
let provider: RecordingProvider;
let KEY: string;
beforeAll(async () => {
  provider = await startRecordingProvider();
  KEY = (await makeKey("ES256")).pem;
});
afterAll(() => provider?.close());

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SIGNING = { issuer: "http://127.0.0.1:1", keys: [{ kid: "a", alg: "ES256", private_key: { env: "KEY" } }] };
const PRIVATE_KEY = { token_endpoint_auth_method: "private_key_jwt", client_secret: undefined };

/** @returns the lines of advice after a token request with this answer */
async function adviceOn(
  error: string,
  error_description: string,
  status: number,
  changes: object,
  signing = SIGNING,
): Promise<string> {
  provider.answer = json({ error, error_description }, status);
  const settings = { grant_type: JWT_BEARER, params: {}, scope: "accounts", ...changes };
  const file = fileConfig(provider.tokenEndpoint, { provider: settings, file: { signing } });
  const { out } = await check(file, ["--live", "--userid", "alice"], { KEY });
  expect(out).toContain(`it says         ${error}`);
  expect(out).not.toContain("check its client authentication");
  return out
    .split("\n")
    .filter((line) => line.startsWith("  advice"))
    .join("\n");
}

it.each<[string, string, string]>([
  ["invalid_grant", "Bad aud", "jwt.user.claims.aud must be exactly what it expects"],
  ["invalid_grant", "The issuer is unknown", "which is signing.issuer by default"],
  ["invalid_grant", "Invalid signature", "the key of signing.keys"],
  ["invalid_grant", "Signature algorithm not allowed", "the alg of signing.keys"],
  ["invalid_grant", "The assertion has expired", "compare clocks; jwt.user.backdate and jwt.user.ttl"],
  ["invalid_grant", "missing jti", "are in jwt.user.claims"],
  ["invalid_scope", "", "scope: each word"],
  ["unsupported_grant_type", "", "grant_type: is it spelt right?"],
])("%s %s is about the assertion or the request", async (error, description, expected) => {
  expect(await adviceOn(error, description, 400, {})).toContain(expected);
});

it.each<[string, string, string]>([
  ["invalid_client", "audience mismatch", "client_assertion.aud must be exactly"],
  ["invalid_client", "unknown kid", "the key of signing.keys"],
  ["invalid_client", "", "compare client_id, client_assertion.aud"],
])("%s %s is about the client assertion, and never about a secret", async (error, description, expected) => {
  const advice = await adviceOn(error, description, 401, PRIVATE_KEY);
  expect(advice).toContain(expected);
  expect(advice).not.toMatch(/client_secret\b|jwt\.user/);
});

it("doubts the token endpoint if the error is a sentence", async () => {
  expect(await adviceOn("Could not verify", "", 403, {})).toContain("token_endpoint: is it right?");
});

it("names the parameter that the provider names", async () => {
  const params = { audience: "https://api.example" };
  expect(await adviceOn("invalid_target", "Unknown Audience", 400, { params })).toContain("params.audience");
});

it("ignores RFC 6749's own sentences, which name every cause", async () => {
  const sentence =
    "The provided authorization grant is invalid, expired, revoked, or was issued to another client. Wrong iss.";
  const advice = await adviceOn("invalid_grant", sentence, 400, {});
  expect(advice).toContain("signing.issuer");
  expect(advice).not.toContain("clocks");
});

describe("a rejected signature", () => {
  const cannotFetch = (problem: string) =>
    new RegExp(`^ {2}advice +it probably cannot fetch our keys, so start the proxy: ${problem}`);

  it("is explained first by the keys that nothing serves, if check could not fetch them", async () => {
    const expected = cannotFetch("http://127\\.0\\.0\\.1:1/\\.well-known/jwks\\.json: ECONNREFUSED\n");
    expect(await adviceOn("invalid_grant", "Invalid signature", 400, { kind: "keycloak" })).toMatch(expected);
    expect(await adviceOn("invalid_client", "", 401, PRIVATE_KEY)).toMatch(expected);
    expect(await adviceOn("invalid_grant", "Bad aud", 400, {})).not.toContain("cannot fetch");
    expect(await adviceOn("invalid_client", "", 401, {})).not.toContain("cannot fetch");
  });

  it("is not, if check could fetch them", async () => {
    const served = { ...SIGNING, issuer: provider.url };
    expect(await adviceOn("invalid_grant", "Invalid signature", 200, {}, served)).not.toContain("cannot fetch");
  });
});

it.each([
  ["invalid_grant", "Invalid signature", "the JWKS URL there is wrong"],
  ["invalid_scope", "Invalid scopes: acounts", "no such scope"],
  ["invalid_grant", "Invalid token audience", "aud is not the issuer"],
  ["invalid_grant", "Token is not active", "clocks differ"],
])("what the kind knows of %s %s is not said again in general", async (error, description, known) => {
  const signing = { ...SIGNING, issuer: `${provider.url}/slow` };
  const advice = await adviceOn(error, description, 400, { kind: "keycloak" }, signing);
  expect(advice.split("\n").filter((line) => !line.includes("cannot fetch"))).toEqual([expect.stringContaining(known)]);
});

it("adds to a kind's advice what it does not say", async () => {
  const advice = await adviceOn("invalid_grant", "No public JWK was registered for issuer", 400, { kind: "hydra" });
  expect(advice).toMatch(/see signing\.keys\n {2}advice +iss, which is signing\.issuer by default/);
  expect(advice).not.toContain("it needs the key");
});

it("says what the kind knows, with its setting", async () => {
  const advice = await adviceOn("invalid_grant", "No Identity Provider for it", 400, { kind: "keycloak" });
  expect(advice).toContain("see signing.issuer");
});

it("begins with what the kind knows of a wrong secret, and doubts no grant type", async () => {
  const advice = await adviceOn("unauthorized_client", "Invalid client or Invalid client credentials", 401, {
    kind: "keycloak",
  });
  expect(advice).toMatch(/^ {2}advice +no such client, or a different secret: see client_secret\n/);
  expect(advice).not.toContain("grant_type:");
});
