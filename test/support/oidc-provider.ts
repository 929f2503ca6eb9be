// A real authorization server on loopback: oidc-provider, with a client per authentication method.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWK, type JWTPayload, SignJWT } from "jose";
import { type ClientMetadata, errors, Provider } from "oidc-provider";
import {
  CODE_GRANT,
  JWT_BEARER,
  RESOURCE,
  RESOURCE_INFO,
  registerGrants,
  TOKEN_EXCHANGE,
  USER_GRANT,
} from "./oidc-grants.ts";
import { listenLocally } from "./port.ts";

export { CODE_GRANT, JWT_BEARER, RESOURCE, TOKEN_EXCHANGE, USER_GRANT } from "./oidc-grants.ts";

/** All characters that RFC 6749 App. A allows and a form, HTTP Basic or a URL encodes. */
export const SPECIAL = { client_id: "a% +:&=/?#'\"~b", client_secret: "s% +:&=/?#'\"~!*()-._t" };
export const POST_CLIENT = { client_id: "post-client", client_secret: "secret & more" };
export const HMAC_CLIENT = { client_id: "hmac-client", client_secret: "a secret of 32 characters or more" };
export const KEY_CLIENT = { client_id: "key-client" };
export const TLS_CLIENT = { client_id: "tls-client" };
export const SELF_SIGNED_CLIENT = { client_id: "self-signed-client" };
export const PUBLIC_CLIENT = { client_id: "public-client" };

export interface AuthorizationServer {
  issuer: string;
  /** Verifies its tokens. */
  jwks: JSONWebKeySet;
  /** The bodies of its token responses. */
  sent: Buffer[];
  /** Signs any claims with the key of its tokens. */
  sign(claims: JWTPayload): Promise<string>;
  close(): Promise<void>;
}

export interface AuthorizationServerOptions {
  /** The issuer whose JWTs it accepts, and whose JWKS has the keys of KEY_CLIENT. */
  trusted?: string;
  /** To replace another server. */
  port?: number;
  /** The kid of its signing key. */
  kid?: string;
  /** Serves TLS and asks for client certificates; PEM. */
  tls?: { certificate: string; private_key: string; ca: string; selfSigned: string };
}

export async function startAuthorizationServer(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const { trusted, tls, port = 0, kid = "sig" } = options;
  const server =
    tls === undefined
      ? createServer()
      : createTlsServer({
          cert: tls.certificate,
          key: tls.private_key,
          ca: tls.ca,
          requestCert: true,
          rejectUnauthorized: false,
        });
  const issuer = `${tls === undefined ? "http" : "https"}://127.0.0.1:${await listenLocally(server, port)}`;
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const named = { alg: "ES256", use: "sig", kid };
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), ...named }] };
  const provider = createProvider(issuer, { ...(await exportJWK(privateKey)), ...named }, options);
  const sign = (claims: JWTPayload, typ: string) =>
    new SignJWT(claims).setProtectedHeader({ alg: "ES256", kid, typ }).sign(privateKey);
  registerGrants(provider, jwks, trusted, sign);

  const sent: Buffer[] = [];
  server.on("request", recordingTokenResponses(provider.callback(), sent));
  return {
    issuer,
    jwks,
    sent,
    sign: (claims) => sign(claims, "at+jwt"),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function createProvider(issuer: string, key: JWK, { trusted, tls }: AuthorizationServerOptions): Provider {
  return new Provider(issuer, {
    jwks: { keys: [key as JWK & { kty: string }] },
    scopes: ["openid", "accounts"],
    ttl: { AccessToken: RESOURCE_INFO.accessTokenTTL, ClientCredentials: RESOURCE_INFO.accessTokenTTL },
    clients: clients(trusted, tls?.selfSigned),
    clientAuthMethods: [
      "client_secret_basic",
      "client_secret_post",
      "client_secret_jwt",
      "private_key_jwt",
      "tls_client_auth",
      "self_signed_tls_client_auth",
      "none",
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: ({ socket }) => (socket as TLSSocket).getPeerX509Certificate?.()?.toString(),
        certificateAuthorized: ({ socket }) => (socket as TLSSocket).authorized,
        certificateSubjectMatches: ({ socket }, _property, expected) =>
          (socket as TLSSocket).getPeerX509Certificate()?.subject === expected,
      },
      richAuthorizationRequests: {
        enabled: true,
        types: { accounts: { validate: validateAccounts } },
        authorizationDetailsForGrantSource: () => undefined,
        authorizationDetailsForAccessToken: (ctx) => JSON.parse(String(ctx.oidc.params?.authorization_details)),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => RESOURCE_INFO,
      },
    },
    // Its own fetch refuses loopback, as a protection against SSRF; here everything is on loopback.
    fetch: (url, { method = "GET", headers = {}, signal = null } = {}) =>
      globalThis.fetch(url, { method, headers, signal }),
    extraTokenClaims: (ctx) => ({ nonce: ctx.oidc.params?.nonce as string | undefined }),
  });
}

/** Any further member would be a right that nobody asked for. */
function validateAccounts(_ctx: unknown, detail: Record<string, unknown>): void {
  const { type, owner, actions, ...others } = detail;
  if (typeof owner === "string" && JSON.stringify(actions) === '["read"]' && Object.keys(others).length === 0) return;
  throw new errors.InvalidAuthorizationDetails("owner and actions are wrong");
}

function clients(trusted: string | undefined, selfSigned: string | undefined): ClientMetadata[] {
  const common = {
    grant_types: ["client_credentials", USER_GRANT, JWT_BEARER, TOKEN_EXCHANGE, CODE_GRANT],
    redirect_uris: [],
    response_types: [],
    scope: "openid accounts",
    id_token_signed_response_alg: "ES256",
    authorization_details_types: ["accounts"],
  } satisfies Partial<ClientMetadata>;
  const all: ClientMetadata[] = [
    { ...common, ...SPECIAL, token_endpoint_auth_method: "client_secret_basic" },
    { ...common, ...POST_CLIENT, token_endpoint_auth_method: "client_secret_post" },
    { ...common, ...HMAC_CLIENT, token_endpoint_auth_method: "client_secret_jwt" },
    {
      ...common,
      ...PUBLIC_CLIENT,
      token_endpoint_auth_method: "none",
      grant_types: common.grant_types.filter((type) => type !== "client_credentials"),
    },
    {
      ...common,
      ...TLS_CLIENT,
      token_endpoint_auth_method: "tls_client_auth",
      tls_client_auth_subject_dn: `CN=${TLS_CLIENT.client_id}`,
    },
  ];
  if (trusted !== undefined) {
    all.push({
      ...common,
      ...KEY_CLIENT,
      token_endpoint_auth_method: "private_key_jwt",
      jwks_uri: `${trusted}/.well-known/jwks.json`,
    });
  }
  if (selfSigned !== undefined) {
    all.push({
      ...common,
      ...SELF_SIGNED_CLIENT,
      token_endpoint_auth_method: "self_signed_tls_client_auth",
      jwks: { keys: [certificateJwk(selfSigned)] },
    });
  }
  return all;
}

function certificateJwk(pem: string): JWK & { kty: string } {
  const certificate = new X509Certificate(pem);
  return { ...certificate.publicKey.export({ format: "jwk" }), x5c: [certificate.raw.toString("base64")] } as JWK & {
    kty: string;
  };
}

function recordingTokenResponses(handle: RequestListener, sent: Buffer[]): RequestListener {
  return (request, response) => {
    const end = response.end.bind(response);
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of end are of no interest here
    response.end = ((chunk?: any, ...rest: any[]) => {
      if (request.url === "/token" && chunk) sent.push(Buffer.from(chunk));
      return end(chunk, ...rest);
    }) as typeof response.end;
    handle(request, response);
  };
}
