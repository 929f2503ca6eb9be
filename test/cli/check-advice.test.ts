// What `check` says about a provider's words: which key of the file they probably mean.

import { afterAll, beforeAll, expect, it } from "vitest";
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
async function adviceOn(error: string, error_description: string, status: number, changes: object): Promise<string> {
  provider.answer = json({ error, error_description }, status);
  const settings = { grant_type: JWT_BEARER, params: {}, scope: "accounts", ...changes };
  const file = fileConfig(provider.tokenEndpoint, { provider: settings, file: { signing: SIGNING } });
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
