// Broken setups that need no product: our published keys, and answers as real servers give them.

import type { BrokenSetup } from "../broken-setups.ts";
import { DISCOVERY, NETWORK } from "./wire-discovery.ts";

const REJECTED = "provider_rejected_proxy";
const refusal = (error: string, error_description?: string, status = 400) => ({
  token: { status, body: { error, error_description } },
});

const KEYS: readonly BrokenSetup[] = [
  {
    base: "private_key_jwt",
    broken: "nothing serves our keys",
    action: { stop: "keys" },
    expect: "token",
    says: /warning.*(?:jwks\.json|serve)/,
    setting: "signing.issuer",
  },
  {
    base: "private_key_jwt",
    broken: "our published address redirects",
    action: { keys: { status: 302, headers: { location: "/elsewhere" } } },
    expect: "token",
    says: /warning.*redirect/,
  },
  {
    base: "private_key_jwt",
    broken: "our published address serves other keys",
    action: { keys: { body: { keys: [] } } },
    expect: "token",
    says: /warning.*key/,
    setting: "signing.keys",
  },
  {
    base: "private_key_jwt",
    broken: "our published address serves a page",
    action: { keys: { body: "<html>welcome</html>" } },
    expect: "token",
    says: /warning.*lacks keys/,
    setting: "signing.keys",
  },
  {
    base: "private_key_jwt",
    broken: "the client_key is not published",
    provider: { client_key: { kid: "unpublished", alg: "ES256", private_key: { env: "OTHER_KEY" } } },
    expect: "token",
    says: /warning.*not published/,
    setting: "client_key",
  },
];

const ANSWERS: readonly BrokenSetup[] = [
  {
    base: "secret",
    broken: "the user must consent",
    action: refusal("consent_required", "The user has not consented.", 403),
    expect: "refused",
    says: "The user has not consented.",
  },
  {
    base: "secret",
    broken: "the user needs a second factor",
    action: refusal("mfa_required", undefined, 403),
    expect: "refused",
    says: "mfa_required",
  },
  {
    base: "secret",
    broken: "the error is a sentence",
    action: refusal("Bad Request!", undefined, 400),
    expect: REJECTED,
    says: "Bad Request!",
  },
  {
    base: "secret",
    broken: "the client needs DPoP",
    action: refusal("use_dpop_nonce"),
    expect: REJECTED,
    says: "use_dpop_nonce",
  },
  {
    base: "secret",
    broken: "a 401 has no body",
    action: { token: { status: 401 } },
    expect: REJECTED,
    says: "401",
    setting: "client_secret",
  },
  {
    base: "secret",
    broken: "the server is too busy",
    action: refusal("temporarily_unavailable", undefined, 503),
    expect: "provider_busy",
    says: "temporarily_unavailable",
  },
  {
    base: "secret",
    broken: "the server limits our requests",
    action: { token: { status: 429, headers: { "retry-after": "7" } } },
    expect: "provider_busy",
    says: "429",
  },
  {
    base: "secret",
    broken: "the load balancer has no server",
    action: { token: { status: 502, body: "<h1>Bad Gateway</h1>" } },
    expect: "provider_error",
    says: "502",
  },
  {
    base: "secret",
    broken: "the token endpoint does not exist",
    action: { token: { status: 404, body: { error: "Not Found" } } },
    expect: "provider_wrong_endpoint",
    says: "/token",
    setting: "token_endpoint",
  },
  {
    base: "secret",
    broken: "the token endpoint wants JSON",
    action: { token: { status: 415, body: { error: "Unsupported Media Type" } } },
    expect: "provider_wrong_endpoint",
    says: "415",
  },
  {
    base: "secret",
    broken: "the token endpoint redirects to a login page",
    action: { token: { status: 302, headers: { location: "/login" } } },
    expect: "provider_redirected",
    says: "redirect",
    setting: "token_endpoint",
  },
  {
    base: "secret",
    broken: "the answer has no access token",
    action: { token: { body: { id_token: "x" } } },
    expect: "provider_no_token",
    says: "access_token",
  },
  {
    base: "secret",
    broken: "the answer is a page",
    action: { token: { body: "<html>hello</html>" } },
    expect: "provider_not_json",
    says: "JSON",
  },
  {
    base: "secret",
    broken: "the answer has a refresh token and lives for a day",
    action: {
      token: { body: { access_token: "opaque", token_type: "Bearer", expires_in: 86_400, refresh_token: "r" } },
    },
    expect: "token",
    says: /warning.*refresh_token/,
  },
  {
    base: "secret",
    broken: "the token lives for a day",
    action: { token: { body: { access_token: "opaque", token_type: "Bearer", expires_in: 86_400 } } },
    expect: "token",
    says: /warning.*hour/,
  },
];

export const WIRE: readonly BrokenSetup[] = [...NETWORK, ...DISCOVERY, ...KEYS, ...ANSWERS];
