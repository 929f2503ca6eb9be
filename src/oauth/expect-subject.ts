// Checks that a token is about the user it was asked for: a 200 alone does not prove it (authentik, Janssen).

import { decodeJwt } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import type { Values } from "../core/values.ts";
import { parseTemplate } from "./template.ts";

export interface ExpectSubjectSettings {
  /** The member of the token response that holds a JWT, or the user itself. */
  member: string;
  /** The claim of that JWT; undefined where the member itself is compared. */
  claim?: string | undefined;
  /** A template: what must stand there. */
  equals: string;
}

/** @throws {TokenProxyError} provider_wrong_subject */
export type CheckSubject = (body: Uint8Array, values: Values) => void;

/**
 * The token came from the provider over its own connection, so its signature is the resource server's to verify. It is read
 * from a copy of the bytes.
 * @param key the provider's key in the file, for the error
 */
export function compileExpectSubject({ member, claim, equals }: ExpectSubjectSettings, key: string): CheckSubject {
  const expected = parseTemplate(equals);
  return (body, values) => {
    if (subjectIn(body, member, claim) === expected.render(values)) return;
    throw new TokenProxyError(
      "provider_wrong_subject",
      `the provider "${key}" sent a token that is not for this user, by "${key}.expect_subject"`,
    );
  };
}

function subjectIn(body: Uint8Array, member: string, claim: string | undefined): string | undefined {
  const members = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
  const value = Object.hasOwn(members, member) ? members[member] : undefined;
  if (claim === undefined) return asText(value);
  if (typeof value !== "string") return undefined;
  try {
    const claims = decodeJwt(value);
    return Object.hasOwn(claims, claim) ? asText(claims[claim]) : undefined;
  } catch {
    return undefined; // an opaque token says nothing of its subject
  }
}

/** Numbers are compared by their text; a list or an object is no one user. */
function asText(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
