// What is known about the products that were run: whose fault their answers are, with which advice.

import { describe, expect, it } from "vitest";
import { compileErrorRules } from "../../src/oauth/error-rules.ts";
import { type Judge, judgeAnswer } from "../../src/oauth/judge-answer.ts";
import { KIND_NAMES, KINDS, type KindName, kindOf } from "../../src/oauth/kinds/index.ts";
import { NOW, response } from "../support/fakes.ts";

function verdict(kind: KindName, status: number, error: string, error_description: string): string {
  const findRule = compileErrorRules({ kind, user_errors: [], proxy_errors: [] });
  const answer: Judge["answer"] = { format: "json", require: ["access_token"] };
  const judge = { key: "", answer, url: "", now: NOW, findRule, hasTokenOfCall: true, redact: (text: string) => text };
  try {
    return judgeAnswer(response(status, { error, error_description }), judge).outcome;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  }
}

const USER = "refused";
const PROXY = "provider_rejected_proxy";
const OUTAGE = "provider_error";
const FOSITE = "The provided authorization grant is invalid. The JWT in 'assertion' request parameter";

describe("whose fault an answer is", () => {
  it.each<[KindName, string, number, string, string]>([
    ["keycloak", USER, 400, "invalid_grant", "User not found"],
    ["keycloak", USER, 400, "invalid_grant", "User is not enabled"],
    ["keycloak", USER, 400, "invalid_grant", "Account is not fully set up"],
    ["keycloak", USER, 401, "invalid_grant", "Invalid user credentials"],
    ["keycloak", USER, 400, "invalid_request", "Invalid token"],
    ["keycloak", USER, 403, "access_denied", "Client not allowed to exchange"],
    ["keycloak", OUTAGE, 400, "invalid_grant", "Unable to acquire JDBC Connection [Acquisition timeout]"],
    ["keycloak", OUTAGE, 400, "invalid_grant", "Database operation failed"],
    ["keycloak", OUTAGE, 500, "unknown_error", ""],
    ["keycloak", OUTAGE, 403, "access_denied", "Realm not enabled"],
    ["keycloak", PROXY, 400, "invalid_grant", "Invalid token audience"],
    ["keycloak", PROXY, 400, "invalid_grant", "Multiple audiences not allowed"],
    ["keycloak", PROXY, 400, "invalid_grant", "No Identity Provider for provided issuer"],
    ["keycloak", PROXY, 400, "invalid_grant", "Identity Provider is not allowed for the client"],
    ["keycloak", PROXY, 400, "invalid_grant", "Invalid signature"],
    ["keycloak", PROXY, 400, "invalid_grant", "Token is not active"],
    ["keycloak", PROXY, 400, "invalid_grant", "Token was issued in the future"],
    ["keycloak", PROXY, 400, "invalid_grant", "Token jti claim is required"],
    ["keycloak", PROXY, 400, "invalid_grant", "Missing parameter:assertion"],
    ["keycloak", PROXY, 400, "invalid_grant", "JWT Authorization Grant is not supported for the requested client"],
    ["keycloak", PROXY, 400, "invalid_request", "Standard token exchange is not enabled for the requested client"],
    ["keycloak", PROXY, 400, "invalid_request", "Parameter 'subject_token' supports access tokens only"],
    ["keycloak", PROXY, 400, "invalid_request", "requested_token_type unsupported"],
    ["keycloak", PROXY, 401, "unauthorized_client", "Invalid client or Invalid client credentials"],
    ["keycloak", USER, 400, "invalid_grant", "a wording that nobody has seen"],
    ["hydra", PROXY, 400, "invalid_grant", `${FOSITE} MUST contain an 'aud' (audience) claim`],
    ["hydra", PROXY, 400, "invalid_grant", `${FOSITE} expired.`],
    ["hydra", PROXY, 400, "invalid_grant", "anything else"],
    ["hydra", PROXY, 400, "jti_known", "The jti was already used."],
    ["hydra", PROXY, 400, "invalid_request", "uses signing key with kid '2', which could not be found."],
    ["hydra", PROXY, 500, "server_error", "Unable to fetch JSON Web Keys from location 'https://x'. Check for typos"],
    ["hydra", OUTAGE, 500, "error", "The error is unrecognizable"],
    ["hydra", USER, 403, "access_denied", "The token hook target responded with an error"],
    ["spring", PROXY, 400, "invalid_grant", "aud"],
    ["spring", PROXY, 400, "invalid_grant", "The iss claim is not valid"],
    ["spring", PROXY, 400, "invalid_grant", "Signed JWT rejected: Invalid signature"],
    ["spring", PROXY, 400, "invalid_grant", "the given typ value needs to be one of [JWT]"],
    ["spring", PROXY, 400, "unsupported_token_type", ""],
    ["spring", USER, 400, "invalid_grant", "user"],
    ["uaa", USER, 401, "unauthorized", "The user account must be pre-created. Please contact your administrator."],
    ["uaa", PROXY, 401, "unauthorized", "Unable to map issuer, https://x , to a single registered provider"],
    ["uaa", PROXY, 401, "invalid_token", "Audience does not match."],
    ["uaa", PROXY, 401, "unauthorized", "Bad credentials"],
    ["zitadel", USER, 400, "invalid_request", "subject_token is invalid"],
    ["zitadel", PROXY, 400, "invalid_request", "actor_token is invalid"],
    ["zitadel", PROXY, 400, "invalid_request", "subject_token_type is not supported"],
    ["zitadel", PROXY, 400, "invalid_target", "resource parameter not supported"],
  ])("%s: %s is %i %s %j", (kind, expected, status, error, description) => {
    expect(verdict(kind, status, error, description)).toBe(expected);
  });
});

it("another credential is tried after what a kind knows as a refused one, and never after a user's", () => {
  const credentials = KIND_NAMES.flatMap((name) => KINDS[name].errors.filter(([about]) => about === "credential"));
  expect(credentials.length).toBeGreaterThan(3);
  for (const [, error] of credentials) expect(error).not.toBe("invalid_grant");
});

describe("every kind", () => {
  it.each(KIND_NAMES)("%s has versions, a claim, and errors with a meaning that are all reachable", (name) => {
    const { seenIn, userClaim, errors } = KINDS[name];
    expect([seenIn, userClaim].every((text) => text.length > 2)).toBe(true);
    for (const [index, [, error, description, means]] of errors.entries()) {
      expect(means).toMatch(/^[a-z].*[^.]$/);
      const before = errors.slice(0, index).filter(([, other]) => other === error);
      expect(before.map(([, , text]) => text)).not.toContain("*");
      expect(before.map(([, , text]) => text)).not.toContain(description);
    }
  });

  it.each<[KindName | undefined, string, string | undefined]>([
    [
      "keycloak",
      "https://x/realms/r/protocol/openid-connect/token",
      "https://x/realms/r/protocol/openid-connect/certs",
    ],
    ["hydra", "https://x/oauth2/token", "https://x/.well-known/jwks.json"],
    ["spring", "https://x/oauth2/token", "https://x/oauth2/jwks"],
    ["uaa", "https://x/oauth/token", "https://x/token_keys"],
    ["zitadel", "https://x/oauth/v2/token", "https://x/oauth/v2/keys"],
    [undefined, "https://x/token", "https://x/jwks"],
    [undefined, "https://x/oauth2/token", undefined],
  ])("%s is recognised by its metadata", (kind, token_endpoint, jwks_uri) => {
    expect(kindOf({ token_endpoint, jwks_uri })).toBe(kind);
  });
});
