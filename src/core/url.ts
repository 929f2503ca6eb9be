// Which URLs an issuer or an endpoint may have: https, or http on loopback.

/**
 * URL parsers repair `https:/a`, backslashes and spaces, but not all in the same way. A terminal
 * would obey control characters, and show text after a direction mark backwards.
 */
const COMPLETE = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/(?!\/)[^\s\\\p{Cc}\p{Cf}]+$/u;

/** @returns what is wrong, as a phrase that follows the path in the file */
export function endpointUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return "must be an absolute URL";
  const url = new URL(text);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return "must be an https URL (http only on loopback)";
  }
  if (!COMPLETE.test(text)) return "must be an absolute URL";
  if (url.username !== "" || url.password !== "") return "must not contain a user name or password";
  if (text.includes("#")) return "must not have a fragment"; // RFC 6749 section 3.2
  return undefined;
}

/** Like endpointUrlFault; an issuer has no query either (RFC 8414 section 2). */
export function issuerUrlFault(text: string): string | undefined {
  if (text.includes("/.well-known/")) return "is the URL of the metadata; leave out /.well-known/ and the rest";
  return endpointUrlFault(text) ?? (text.includes("?") ? "must not have a query" : undefined);
}

/** @param hostname IPv6 with brackets, as in a URL, or without */
export function isLoopback(hostname: string): boolean {
  return ["localhost", "[::1]", "::1"].includes(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
