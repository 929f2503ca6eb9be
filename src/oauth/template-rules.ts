// What a value may contain at its place in a template, so that it never becomes another part of it.

import { TokenProxyError } from "../core/errors.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import type { Values } from "../core/values.ts";

/** Names that every token request has. `jwt.NAME` is one more for each JWT of the provider. */
export const OWN_NAMES = ["client_id", "issuer", "token_endpoint", "signing_issuer", "signing.kid", "now", "uuid"];

/** Names that only exist in the claims of a JWT. */
export const JWT_TEMPLATE_NAMES = ["iat", "exp"];

export const JWT_PREFIX = "jwt.";

/** `token.NAME` is the access_token of another provider, `token.NAME.MEMBER` another member. */
export const TOKEN_PREFIX = "token.";

/** Where a template is. By default, it is in plain text. */
export interface Place {
  /** In the file, like `providers.retail.scope`. */
  key: string;
  kind?: "scope" | "header" | undefined;
}

interface Rule {
  accepts(value: string): boolean;
  /** A phrase that follows "must". */
  must: string;
  /** Values of our own, which no call can choose, are exempt. */
  exceptOwn?: boolean;
}

const BY_KIND: Readonly<Record<NonNullable<Place["kind"]>, Rule>> = {
  scope: {
    accepts: (value) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value),
    must: 'be one scope-token: visible ASCII without spaces, " and \\ (RFC 6749 appendix A.4)',
  },
  header: {
    accepts: (value) => HEADER_VALUE.test(value),
    must: "be visible ASCII, without spaces at the start or end",
  },
};

/** A scheme, or an own URL that continues. */
const URL_START =
  /^\s*(?:[A-Za-z][A-Za-z0-9+.-]*:\/\/|\{\{ *(?:issuer|token_endpoint|signing_issuer) *\}\}[/?#A-Za-z0-9])/;

/** Dot segments are unreserved characters too, but lead to another path. */
const IN_URL: Rule = {
  accepts: (value) => /^(?!\.{1,2}$)[A-Za-z0-9._~-]+$/.test(value),
  must: 'contain only unreserved characters (RFC 3986), and not be "." or ".."',
  exceptOwn: true,
};

/** Between "||" and "||", the value "|a" contains no "||", but could be read in two ways. */
const between = (separator: string): Rule => ({
  accepts: (value) => `${separator}${value}${separator}`.indexOf(separator, 1) === separator.length + value.length,
  must: `not contain or extend ${JSON.stringify(separator)}, which separates the values there`,
  exceptOwn: true,
});

/** @returns throws a TokenProxyError for a value that does not fit, mostly call_invalid */
export function compileCheck(
  text: string,
  literals: readonly string[],
  names: readonly string[],
  { key, kind }: Place,
): (values: Values) => void {
  const rules = [
    ...(kind === undefined ? [] : [BY_KIND[kind]]),
    ...(URL_START.test(text) ? [IN_URL] : []),
    ...[...new Set(literals.slice(1, -1))].map(between),
  ];
  const checks = rules.flatMap(({ exceptOwn, ...rule }) =>
    names.filter((name) => exceptOwn !== true || !isOwn(name)).map((name) => ({ ...rule, name })),
  );
  return (values) => {
    for (const { name, accepts, must } of checks) {
      if (accepts(String(values.get(name)))) continue;
      const message = `the value of {{${name}}} does not fit into "${key}": there it must ${must}`;
      // A token is another provider's, and not the caller's fault.
      throw new TokenProxyError(name.startsWith(TOKEN_PREFIX) ? "provider_no_token" : "call_invalid", message);
    }
  };
}

function isOwn(name: string): boolean {
  return OWN_NAMES.includes(name) || JWT_TEMPLATE_NAMES.includes(name) || name.startsWith(JWT_PREFIX);
}
