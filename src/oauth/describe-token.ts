// What a token response says about its token, for the audit. Never the token itself.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { readJsonObject } from "../core/json.ts";

/** @returns the granted scope and, if the access token is a JWT, what finds it in other logs */
export function describeToken(body: Uint8Array): Readonly<Record<string, unknown>> {
  const { access_token: token, scope } = readJsonObject(body) ?? {};
  try {
    const { aud, jti, exp } = decodeJwt(token as string);
    return { scope, aud, jti, exp, kid: decodeProtectedHeader(token as string).kid };
  } catch {
    return { scope }; // the token is opaque
  }
}
