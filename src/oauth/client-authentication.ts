// Client authentication (RFC 6749 section 2.3): each method adds one mechanism to a request.

import { clientSecretBasic, type Form, httpBasic } from "../core/form.ts";
import type { Secret } from "../core/secret.ts";
import type { Values } from "../core/values.ts";
import type { AssertionFile } from "./assertion-file.ts";
import { compileJwt, type JwtDeps, type JwtSigner } from "./jwt.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import type { TokenEndpointAuthMethod } from "./settings.ts";
import { type SigningKey, signByWebCrypto } from "./signing-key.ts";

export type ClientSettings = Pick<ProviderSettings, "token_endpoint_auth_method" | "client_id" | "client_assertion">;

/** Adds the credentials to the form or the headers of one token request. */
export type ClientAuthentication = (
  form: Form,
  headers: Record<string, string>,
  values: Values,
) => void | Promise<void>;

interface Method {
  /** What the client proves its identity with. */
  credential: "secret" | "key" | "certificate" | "nothing";
  create(
    settings: ClientSettings,
    credentials: { secrets: readonly Secret[]; keys: readonly SigningKey[]; assertionFile?: AssertionFile | undefined },
    deps: JwtDeps,
    key: string,
  ): readonly ClientAuthentication[];
}

type UseSecret = (secret: Secret, settings: ClientSettings, deps: JwtDeps, key: string) => ClientAuthentication;

const bySecret = (use: UseSecret): Method => ({
  credential: "secret",
  create: (settings, { secrets }, deps, key) => secrets.map((secret) => use(secret, settings, deps, key)),
});

const byClientId = (credential: Method["credential"]): Method => ({
  credential,
  create: ({ client_id = "" }) => [(form) => form.append("client_id", client_id)],
});

function byHeader(authorization: string): ClientAuthentication {
  return (_form, headers) => {
    headers.authorization = authorization;
  };
}

const METHODS: Readonly<Record<TokenEndpointAuthMethod, Method>> = {
  client_secret_basic: bySecret((secret, { client_id = "" }) => byHeader(clientSecretBasic(client_id, secret))),
  /** For servers that do not form-decode id and secret, although RFC 6749 section 2.3.1 says so. */
  client_secret_basic_raw: bySecret((secret, { client_id = "" }) =>
    byHeader(httpBasic(`${client_id}:${secret.reveal()}`)),
  ),
  client_secret_post: bySecret((secret, { client_id = "" }) => (form) => {
    form.append("client_id", client_id);
    form.append("client_secret", secret.reveal());
  }),
  client_secret_jwt: bySecret((secret, settings, deps, key) => {
    const bytes = new TextEncoder().encode(secret.reveal());
    const sign = signByWebCrypto(bytes, settings.client_assertion.alg ?? "HS256");
    return assertion(settings, { sign }, deps, key);
  }),
  private_key_jwt: {
    credential: "key",
    create: (settings, { keys, assertionFile }, deps, key) =>
      assertionFile === undefined
        ? keys.map((signer) => assertion(settings, signer, deps, key))
        : [withAssertion(settings, () => assertionFile.read(deps.clock.now()))],
  },
  /** The certificate belongs to the transport; the form says whose it is (RFC 8705 section 2). */
  tls_client_auth: byClientId("certificate"),
  self_signed_tls_client_auth: byClientId("certificate"),
  /** A public client (RFC 6749 section 3.2.1). */
  none: byClientId("nothing"),
};

export function credentialOf(method: TokenEndpointAuthMethod): Method["credential"] {
  return METHODS[method].credential;
}

/** Whether every request contains a JWT that this proxy signs about itself. */
export const isSigned = (method: TokenEndpointAuthMethod): boolean =>
  method === "private_key_jwt" || method === "client_secret_jwt";

/** @returns one function per credential, in the order of the file */
export const createClientAuthentications: Method["create"] = (settings, credentials, deps, key) =>
  METHODS[settings.token_endpoint_auth_method].create(settings, credentials, deps, key);

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

function assertion(settings: ClientSettings, signer: JwtSigner, deps: JwtDeps, key: string): ClientAuthentication {
  const { client_assertion } = settings;
  const { aud, typ } = client_assertion;
  const header = { typ, ...client_assertion.header };
  const claims = { iss: "{{client_id}}", sub: "{{client_id}}", aud, ...client_assertion.claims };
  const sign = compileJwt({ ...client_assertion, header, claims }, signer, deps, `${key}.client_assertion`);
  return withAssertion(settings, sign);
}

function withAssertion(
  { client_id = "" }: ClientSettings,
  make: (values: Values) => string | Promise<string>,
): ClientAuthentication {
  return async (form, _headers, values) => {
    form.append("client_id", client_id); // Entra requires it; RFC 7521 section 4.2 allows it
    form.append("client_assertion_type", ASSERTION_TYPE);
    form.append("client_assertion", await make(values));
  };
}
