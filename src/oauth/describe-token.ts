// What a token response says about its token, for the audit. Never the token itself.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { readJsonObject } from "../core/json.ts";

/** A line of the audit has room for dozens of audiences and scopes, and not for megabytes. */
const MAX_CHARS = 4_096;

/** @returns the granted scope and, if the access token is a JWT, what finds it in other logs */
export function describeToken(body: Uint8Array): Readonly<Record<string, unknown>> {
  const { access_token: token, scope } = readJsonObject(body) ?? {};
  try {
    const { aud, jti, exp } = decodeJwt(token as string);
    return { scope: plain(scope), aud: plain(aud), jti: plain(jti), exp: plain(exp), kid: plain(kidOf(token)) };
  } catch {
    return { scope: plain(scope) }; // the token is opaque
  }
}

const kidOf = (token: unknown) => decodeProtectedHeader(token as string).kid;

/** JSON.stringify would throw for what is nested deeply, and the process would end. */
function plain(value: unknown): unknown {
  const isFlat = [value].flat().every((part) => typeof part === "string" || typeof part === "number");
  return isFlat && JSON.stringify(value).length <= MAX_CHARS ? value : undefined;
}
