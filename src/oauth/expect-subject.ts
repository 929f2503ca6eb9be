// Checks that a token is about the user of the call: a 200 does not prove it (authentik, Janssen).

import { decodeJwt } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import type { Values } from "../core/values.ts";
import { parseTemplate } from "./template.ts";

export interface ExpectSubjectSettings {
  /** The member of the token response that holds a JWT, or the user itself. */
  member: string;
  /** The claim of that JWT; undefined to compare the member itself. */
  claim?: string | undefined;
  /** A template of the expected text. */
  equals: string;
}

/**
 * The signature is not verified: the token came over the provider's TLS connection.
 * @param key the provider's key in the file, for the error
 * @returns a function that throws a TokenProxyError provider_wrong_subject
 */
export function compileExpectSubject({ member, claim, equals }: ExpectSubjectSettings, key: string) {
  const expected = parseTemplate(equals);
  return (body: Uint8Array, values: Values): void => {
    if (subjectIn(body, member, claim) === expected.render(values)) return;
    throw new TokenProxyError(
      "provider_wrong_subject",
      `the provider "${key}" sent a token of another user than "${key}.expect_subject" expects`,
    );
  };
}

function subjectIn(body: Uint8Array, member: string, claim: string | undefined): string | undefined {
  const value = memberText(JSON.parse(new TextDecoder().decode(body)), member);
  if (claim === undefined || value === undefined) return value;
  try {
    return memberText(decodeJwt(value), claim);
  } catch {
    return undefined; // an opaque token
  }
}

/** Numbers are compared as text; lists, objects and inherited members name no user. */
function memberText(members: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = members[name];
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}
