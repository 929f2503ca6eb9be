// What a token response says about its token, for the audit and `check`. Never the token itself.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { readJsonObject } from "../core/json.ts";

/** A line of the audit has room for dozens of audiences and scopes, and not for megabytes. */
const MAX_CHARS = 4_096;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** @returns the members, and which of them is the token: access_token, else the first JWT */
export function findToken(body: Uint8Array) {
  const members: Record<string, unknown> = readJsonObject(body) ?? { body: new TextDecoder().decode(body).trim() };
  const names = Object.keys(members);
  const isJwt = (name: string) => typeof members[name] === "string" && JWT.test(members[name]);
  const name = typeof members.access_token === "string" ? "access_token" : (names.find(isJwt) ?? names[0] ?? "");
  return { members, name, token: members[name] };
}

/** @returns the granted scope and, if the token is a JWT, what finds it in other logs */
export function describeToken(body: Uint8Array): Readonly<Record<string, unknown>> {
  const { token, members } = findToken(body);
  const { aud, jti, exp, kid } = readJwt(token) ?? {};
  return { scope: plain(members.scope), aud, jti, exp, kid };
}

/** @returns plain claims and header; undefined for anything but a JWT */
export function readJwt(token: unknown): Record<string, unknown> | undefined {
  try {
    return plainMembers({ ...decodeJwt(token as string), ...decodeProtectedHeader(token as string) });
  } catch {
    return undefined; // the token is opaque
  }
}

/** @returns texts, numbers and lists of them; undefined for the rest */
export const plainMembers = (members: object = {}): Record<string, unknown> =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name, plain(value)]));

/** String and JSON.stringify throw for what is nested deeply or has its own toString. */
function plain(value: unknown): unknown {
  const isFlat = [value].flat().every((part) => typeof part === "string" || typeof part === "number");
  return isFlat && JSON.stringify(value).length <= MAX_CHARS ? value : undefined;
}
