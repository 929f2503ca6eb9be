// Checks that a token is about the user of the call: a 200 does not prove it (authentik, Janssen).

import { base64url } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import { membersAsWritten, readJsonObject } from "../core/json.ts";
import type { Values } from "../core/values.ts";
import { compileTemplate } from "./template.ts";

export interface ExpectSubjectSettings {
  /** The member of the token response that holds a JWT, or the user itself. */
  member: string;
  /** The claim of that JWT; undefined to compare the member itself. */
  claim?: string | undefined;
  /** A template of the expected text. */
  equals: string;
  compare?: "exact" | "ascii_case_insensitive";
}

/**
 * The signature is not verified: the token came over the provider's TLS connection.
 * @param key the provider's key in the file, for the error
 * @returns a function for the values of a call, which throws call_invalid; it returns one for the
 * body of the answer, a JSON object, which throws provider_wrong_subject
 */
export function compileExpectSubject({ member, claim, equals, compare }: ExpectSubjectSettings, key: string) {
  const setting = `${key}.expect_subject`;
  const expected = compileTemplate(equals, { key: setting });
  // Beyond ASCII, two users could have one name in lower case: the Kelvin sign becomes a k.
  const fold = (text: string | undefined) =>
    compare === "ascii_case_insensitive" ? text?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
  const wrong = (what: string) => new TokenProxyError("provider_wrong_subject", `the provider "${key}" sent ${what}`);

  /** Readers differ in which of two members of one name they use. */
  function textOf(json: string, name: string): string | undefined {
    const [written, ...more] = membersAsWritten(json, name);
    if (more.length > 0) throw wrong(`"${name}" twice, so "${setting}" cannot tell which one counts`);
    if (written?.startsWith('"')) return JSON.parse(written) as string;
    // As written, because numbers beyond 2^53 would be rounded. Nothing else names a user.
    return written !== undefined && /^[-\d]/.test(written) ? written : undefined;
  }

  function claimIn(token: string, name: string): string | undefined {
    const claims = claimsOf(token);
    if (claims !== undefined) return textOf(claims, name);
    throw wrong(`an opaque token as "${member}", which "${setting}" cannot read; name a member that is a signed JWT`);
  }

  return (values: Values) => {
    const wanted = fold(expected(values));
    return (body: Uint8Array): void => {
      const found = textOf(new TextDecoder().decode(body), member);
      const subject = claim === undefined || found === undefined ? found : claimIn(found, claim);
      if (fold(subject) !== wanted) throw wrong(`a token of another user than "${setting}" expects`);
    };
  };
}

/** @returns the text of a signed JWT's claims; undefined for an opaque or encrypted token */
function claimsOf(token: string): string | undefined {
  const part = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1];
  const bytes = part !== undefined && part.length % 4 !== 1 ? base64url.decode(part) : undefined;
  return bytes && readJsonObject(bytes) && new TextDecoder().decode(bytes);
}
