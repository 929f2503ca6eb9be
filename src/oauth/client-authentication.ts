// Client authentication at the token endpoint (RFC 6749 §2.3): a function that adds exactly one mechanism to a request.

import { CompactSign } from "jose";
import { clientSecretBasic, type Form, httpBasic } from "../core/form.ts";
import type { Clock, Ids } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { JsonValue, JsonValues } from "./json-template.ts";
import { compileJwt, type Signer } from "./jwt.ts";
import type { SigningKey } from "./signing-key.ts";
import { parseTemplate } from "./template.ts";

/** Registered names (RFC 7591 §2, RFC 8705 §2, IANA), and `client_secret_basic_raw` for servers that do not form-decode. */
export const TOKEN_ENDPOINT_AUTH_METHODS = [
  "client_secret_basic",
  "client_secret_basic_raw",
  "client_secret_post",
  "client_secret_jwt",
  "private_key_jwt",
  "tls_client_auth",
  "self_signed_tls_client_auth",
  "none",
] as const;

export type TokenEndpointAuthMethod = (typeof TOKEN_ENDPOINT_AUTH_METHODS)[number];

/** What a method proves the client with. */
const CREDENTIAL = {
  client_secret_basic: "secret",
  client_secret_basic_raw: "secret",
  client_secret_post: "secret",
  client_secret_jwt: "secret",
  private_key_jwt: "key",
  tls_client_auth: "certificate",
  self_signed_tls_client_auth: "certificate",
  none: "nothing",
} as const satisfies Record<TokenEndpointAuthMethod, string>;

export function credentialOf(method: TokenEndpointAuthMethod): (typeof CREDENTIAL)[TokenEndpointAuthMethod] {
  return CREDENTIAL[method];
}

/** Whether each request takes a signature of ours. */
export const isSigned = (method: TokenEndpointAuthMethod): boolean =>
  method === "private_key_jwt" || method === "client_secret_jwt";

/** HMAC algorithms of client_secret_jwt (RFC 7518 §3.2). */
export const HMAC_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
export type HmacAlgorithm = (typeof HMAC_ALGORITHMS)[number];

/** The client assertion of client_secret_jwt and private_key_jwt (RFC 7523 §2.2 and its revision). */
export interface ClientAssertionSettings {
  /** A template; one audience, since servers refuse several. */
  aud: string;
  /** `null` sends none. */
  typ: string | null;
  /** Milliseconds from now to `exp`. */
  ttl: number;
  /** Milliseconds from `iat` to now. */
  backdate: number;
  /** Further members, and `null` to take one away: an nbf for Entra, for example. */
  header: Readonly<Record<string, JsonValue>>;
  claims: Readonly<Record<string, JsonValue>>;
  /** Of client_secret_jwt; a private key brings its own. */
  alg?: HmacAlgorithm | undefined;
}

export interface ClientSettings {
  token_endpoint_auth_method: TokenEndpointAuthMethod;
  client_id?: string | undefined;
  client_assertion: ClientAssertionSettings;
}

/** Adds the credentials to the form or the headers of one token request. */
export type ClientAuthentication = (
  form: Form,
  headers: Record<string, string>,
  values: JsonValues,
) => void | Promise<void>;

/**
 * @returns one function for each credential, in the order of the file; what does not change from call to call is computed
 * here, once
 */
export function createClientAuthentications(
  settings: ClientSettings,
  credentials: { secrets: readonly Secret[]; keys: readonly SigningKey[] },
  deps: { clock: Clock; ids: Ids },
): readonly ClientAuthentication[] {
  const clientId = settings.client_id ?? "";
  const { secrets, keys } = credentials;
  switch (settings.token_endpoint_auth_method) {
    case "client_secret_basic":
      return secrets.map((secret) => authorization(clientSecretBasic(clientId, secret)));
    case "client_secret_basic_raw":
      return secrets.map((secret) => authorization(httpBasic(`${clientId}:${secret.reveal()}`)));
    case "client_secret_post":
      return secrets.map((secret) => (form) => {
        form.append("client_id", clientId);
        form.append("client_secret", secret.reveal());
      });
    case "client_secret_jwt":
      return secrets.map((secret) =>
        assertion(settings, hmacSigner(secret, settings.client_assertion.alg ?? "HS256"), deps),
      );
    case "private_key_jwt":
      return keys.map((key) => assertion(settings, key, deps));
    case "tls_client_auth":
    case "self_signed_tls_client_auth":
    // The certificate is the transport's; the form says whose it is (RFC 8705 §2).
    case "none":
      // A public client names itself (RFC 6749 §3.2.1); with an assertion as its only credential even that is optional.
      return [(form) => form.append("client_id", clientId)];
  }
}

function authorization(value: string): ClientAuthentication {
  return (_form, headers) => {
    headers.authorization = value;
  };
}

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function assertion(
  { client_id = "", client_assertion: { aud, typ, ttl, backdate, ...own } }: ClientSettings,
  signer: Signer,
  deps: { clock: Clock; ids: Ids },
): ClientAuthentication {
  const audience = parseTemplate(aud);
  const claims = { iss: "{{client_id}}", sub: "{{client_id}}", aud: "{{client_assertion.aud}}", ...own.claims };
  const makeJwt = compileJwt({ header: { typ, ...own.header }, claims, ttl, backdate }, signer, deps);
  return async (form, _headers, values) => {
    const jwt = await makeJwt((name) =>
      name === "client_assertion.aud" ? audience.render((part) => String(values(part))) : values(name),
    );
    form.append("client_id", client_id); // Entra asks for it beside the assertion; RFC 7521 §4.2 allows it
    form.append("client_assertion_type", ASSERTION_TYPE);
    form.append("client_assertion", jwt);
  };
}

function hmacSigner(secret: Secret, alg: HmacAlgorithm): Signer {
  const encoder = new TextEncoder();
  const key = encoder.encode(secret.reveal());
  return {
    kid: undefined,
    x5tS256: undefined,
    sign: (header, payload) =>
      new CompactSign(encoder.encode(payload)).setProtectedHeader({ ...header, alg }).sign(key),
  };
}
