// The grants of the test's authorization server, as strict as those of real providers.

import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from "jose";
import { errors, type Provider } from "oidc-provider";

/** A bank's grant: a trusted client names the user. */
export const USER_GRANT = "urn:bank.example:grant-type:nextauth";
export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
/** The webNonce as a code. oidc-provider's authorization_code accepts only its own codes. */
export const CODE_GRANT = "urn:bank.example:grant-type:webnonce";

/** ZITADEL's type for a userid, with an actor who may impersonate that user. */
const USER_ID_TYPE = "urn:zitadel:params:oauth:token-type:user_id";
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";
const ID_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG_TYPE = "urn:ietf:params:oauth:token-type:id-jag";
/** Of an ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant). */
const ID_JAG_TYP = "oauth-id-jag+jwt";

export const RESOURCE = "https://api.bank.example";
export const RESOURCE_INFO = {
  scope: "openid accounts",
  audience: RESOURCE,
  accessTokenFormat: "jwt" as const,
  accessTokenTTL: 600,
  jwt: { sign: { alg: "ES256" as const } },
};

/**
 * @param jwks verifies the provider's own tokens
 * @param trusted the issuer whose JWTs about users are accepted, found by discovery
 * @param sign signs with the key of its tokens
 */
export function registerGrants(
  provider: Provider,
  jwks: JSONWebKeySet,
  trusted: string | undefined,
  sign: (claims: JWTPayload, typ: string) => Promise<string>,
): void {
  const usedJtis = new Set<string>();
  const { InvalidGrant, InvalidRequest } = errors;

  /** RFC 7523 section 3, as strict as Hydra and Keycloak: jti valid once, at most 300 s old. */
  async function subjectOf(assertion: string, clientId?: string): Promise<string> {
    if (trusted === undefined) throw new InvalidGrant("no issuer is trusted");
    try {
      const found = await fetch(`${trusted}/.well-known/openid-configuration`);
      const metadata = (await found.json()) as { issuer: string; jwks_uri: string };
      if (metadata.issuer !== trusted) throw new Error("issuer mismatch");
      const isIdJag = decodeProtectedHeader(assertion).typ === ID_JAG_TYP;
      const { payload } = await jwtVerify(assertion, createRemoteJWKSet(new URL(metadata.jwks_uri)), {
        issuer: trusted,
        audience: [provider.issuer, `${provider.issuer}/token`],
        requiredClaims: ["sub", "jti", "iat", "exp"],
        typ: isIdJag ? ID_JAG_TYP : "JWT",
        maxTokenAge: 300,
        clockTolerance: 0,
      });
      if (typeof payload.aud !== "string") throw new Error("aud must be one text");
      if (isIdJag && payload.client_id !== clientId) throw new Error("an ID-JAG for another client");
      if (usedJtis.has(payload.jti as string)) throw new Error("replayed jti");
      usedJtis.add(payload.jti as string);
      return payload.sub as string;
    } catch (error) {
      throw new InvalidGrant((error as Error).message);
    }
  }

  async function issue(ctx: Context, accountId: string): Promise<void> {
    const { client, params, provider: self } = ctx.oidc;
    if (accountId === "mallory") throw new InvalidGrant("no such user");
    const token = new self.AccessToken({ accountId, client, gty: "user", scope: params?.scope } as never);
    token.resourceServer = new self.ResourceServer(RESOURCE, RESOURCE_INFO);
    const authorization_details = params?.authorization_details && JSON.parse(String(params.authorization_details));
    Object.assign(token, { rar: authorization_details });
    const value = await token.save();
    const hasIdToken = String(params?.scope).split(" ").includes("openid");
    ctx.body = {
      access_token: value,
      token_type: "Bearer",
      expires_in: RESOURCE_INFO.accessTokenTTL,
      scope: params?.scope,
      ...(hasIdToken ? { id_token: await signFor(accountId, client?.clientId, "JWT") } : {}),
      ...(authorization_details ? { authorization_details } : {}),
    };
  }

  async function signFor(sub: string, aud: string | undefined, typ: string, claims: object = {}): Promise<string> {
    const iat = Math.floor(Date.now() / 1_000);
    const registered = { iss: provider.issuer, sub, aud, iat, exp: iat + 60, jti: crypto.randomUUID() };
    return sign({ ...registered, ...claims } as JWTPayload, typ);
  }

  /** A JWT that another server takes as a grant: identity chaining, or an ID-JAG. */
  async function issueGrant(ctx: Context, sub: string, issued_token_type: string): Promise<void> {
    const isIdJag = issued_token_type === ID_JAG_TYPE;
    // The client has the same id there.
    const claims = isIdJag ? { client_id: ctx.oidc.client?.clientId, scope: ctx.oidc.params?.scope } : {};
    const audience = [ctx.oidc.params?.audience].flat()[0] as string;
    const access_token = await signFor(sub, audience, isIdJag ? ID_JAG_TYP : "JWT", claims);
    ctx.body = { access_token, issued_token_type, token_type: "N_A", expires_in: 60 };
  }

  type Context = Parameters<Parameters<Provider["registerGrantType"]>[1]>[0];
  const text = (ctx: Context, name: string) => ctx.oidc.params?.[name] as string | undefined;
  const required = (ctx: Context, name: string) => {
    const value = text(ctx, name);
    if (value === undefined) throw new InvalidRequest(`${name} is missing`);
    return value;
  };

  provider.registerGrantType(USER_GRANT, (ctx) => issue(ctx, required(ctx, "userid")), [
    "userid",
    "nonce",
    "scope",
    "authorization_details",
  ]);
  provider.registerGrantType(CODE_GRANT, (ctx) => issue(ctx, `session-${required(ctx, "code")}`), ["code", "scope"]);
  provider.registerGrantType(
    JWT_BEARER,
    async (ctx) => issue(ctx, await subjectOf(required(ctx, "assertion"), ctx.oidc.client?.clientId)),
    ["assertion", "scope"],
  );
  provider.registerGrantType(
    TOKEN_EXCHANGE,
    async (ctx) => {
      if (text(ctx, "requested_subject") !== undefined) return issue(ctx, required(ctx, "requested_subject"));
      const subject = required(ctx, "subject_token");
      switch (required(ctx, "subject_token_type")) {
        case JWT_TYPE: {
          const sub = await subjectOf(subject);
          return text(ctx, "requested_token_type") === JWT_TYPE ? issueGrant(ctx, sub, JWT_TYPE) : issue(ctx, sub);
        }
        case ID_TOKEN_TYPE: {
          const aud = ctx.oidc.client?.clientId as string;
          const verified = await jwtVerify(subject, createLocalJWKSet(jwks), {
            issuer: provider.issuer,
            audience: aud,
          });
          return issueGrant(ctx, verified.payload.sub as string, required(ctx, "requested_token_type"));
        }
        case USER_ID_TYPE:
          if ((await subjectOf(required(ctx, "actor_token"))) !== "token-proxy")
            throw new InvalidGrant("no such actor");
          return issue(ctx, subject);
        case ACCESS_TOKEN_TYPE: {
          const { payload } = await jwtVerify(subject, createLocalJWKSet(jwks), { issuer: provider.issuer });
          return issue(ctx, payload.sub as string);
        }
        default:
          throw new InvalidRequest("unsupported subject_token_type");
      }
    },
    [
      "subject_token",
      "subject_token_type",
      "actor_token",
      "actor_token_type",
      "requested_subject",
      "requested_token_type",
      "audience",
      "resource",
      "scope",
    ],
    ["audience", "resource"],
  );
}
