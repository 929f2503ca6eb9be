// What an example must send, written without a look into the example.

import { CLIENT_SECRET } from "../support/examples.ts";
import { unsignedJwt } from "../support/fakes.ts";

/** A JWT: all members of header and claims except iat, exp and jti, which differ each time. */
export interface ExpectedJwt {
  /** Which key of the file must verify it. */
  key: string;
  header: Record<string, unknown>;
  /** Whether the thumbprint of the key's certificate is in the header. */
  thumbprint?: true;
  claims: Record<string, unknown>;
  /** Seconds from iat to the call, and from the call to exp. */
  backdate: number;
  ttl: number;
  /** Whether it carries a jti. */
  jti: boolean;
}

export type Mechanism = "authorization header" | "client_secret" | "client_assertion" | "client certificate";

export interface Expectation extends ExpectedRequest {
  /** The requests for tokens of other providers before it, and what they are answered. */
  earlier?: readonly (ExpectedRequest & { answer: object })[];
  /** Headers of the call beyond the default ones. */
  callHeaders?: Record<string, string>;
  /** The access_token that the provider gives; any, where it is not said. */
  accessToken?: string;
}

export interface ExpectedRequest {
  /** Absent where nothing is discovered. */
  discovery?: { url: string; metadata: object };
  tokenEndpoint: string;
  /** Every parameter, in order. */
  form: readonly (readonly [name: string, value: string | ExpectedJwt])[];
  /** How the client authenticates; undefined where it does not. */
  mechanism: Mechanism | undefined;
  /** Client id and secret in HTTP Basic, form-encoded as RFC 6749 §2.3.1 says. */
  basic?: string;
  /** Headers beyond those of every token request. */
  headers?: Record<string, string>;
}

/** @param more members of the metadata */
export function discovered(issuer: string, token_endpoint: string, more = {}) {
  const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  return { discovery: { url, metadata: { issuer, token_endpoint, ...more } }, tokenEndpoint: token_endpoint };
}

/** CLIENT_SECRET, form-encoded by hand. */
const ENCODED_SECRET = "s3cret+%2B%2F%25%3A%26+%C3%BC";

/** @param clientId form-encoded */
export function basic(clientId: string): { mechanism: Mechanism; basic: string } {
  return { mechanism: "authorization header", basic: `${clientId}:${ENCODED_SECRET}` };
}

export function post(clientId: string): readonly [string, string][] {
  return [
    ["client_id", clientId],
    ["client_secret", CLIENT_SECRET],
  ];
}

export function clientAssertion(clientId: string, jwt: ExpectedJwt): readonly [string, string | ExpectedJwt][] {
  return [
    ["client_id", clientId],
    ["client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"],
    ["client_assertion", jwt],
  ];
}

/** The JWT that is implied where a grant takes one: about the user, for the issuer. */
export function userJwt(alg: string, aud: string, changes: Partial<ExpectedJwt> = {}): ExpectedJwt {
  return {
    key: "2026-11",
    header: { alg, kid: "2026-11", typ: "JWT" },
    claims: { iss: "https://tokens.bank.example", sub: "alice", aud },
    backdate: 0,
    ttl: 60,
    jti: true,
    ...changes,
  };
}

/** An unsigned JWT that a provider might give as access token. */
export const accessTokenFor = (name: string, claim = "sub") => unsignedJwt({ [claim]: name });
