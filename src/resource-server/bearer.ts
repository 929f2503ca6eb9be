// Reads the credential of a request: `Authorization: Bearer` (RFC 6750 §2.1).

/** The header is there, but cannot be read in one way only. */
export interface Malformed {
  /** A sentence for error_description, which never repeats the header. */
  malformed: string;
}

/**
 * @returns what follows Bearer, unjudged; undefined where the request has no Authorization, or one of another scheme, which
 * RFC 6750 §3.1 counts as none
 */
export function readBearer(headers: Headers): string | Malformed | undefined {
  const authorization = headers.get("authorization");
  // The name of a scheme is case-insensitive (RFC 9110 §11.1).
  if (authorization === null || !/^bearer(?: |$)/i.test(authorization)) return undefined;
  // Several Authorization headers are joined by commas. Whoever stands in front may have looked at another one of them.
  const credential = /^bearer +([^\s,]+)$/i.exec(authorization)?.[1];
  return credential ?? { malformed: "Authorization must be Bearer with exactly one credential" };
}

export function isMalformed(read: string | Malformed | undefined): read is Malformed {
  return typeof read === "object";
}
