// Which URLs may be given to an issuer or an endpoint: TLS always, but for loopback, where nothing leaves the machine.

/** The URL parser mends much (`https:/a`, backslashes, spaces around), and not every reader of this text mends it alike. */
const WRITTEN_OUT = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/\s\\][^\s\\]*$/;

/**
 * @returns what is wrong with an endpoint's URL, as a phrase that follows its path; undefined when nothing is
 */
export function endpointUrlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return "must be an absolute URL";
  const url = new URL(text);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return "must be an https URL (http only on loopback)";
  }
  if (!WRITTEN_OUT.test(text)) return "must be an absolute URL";
  if (url.username !== "" || url.password !== "") return "must not carry a user name or password";
  if (text.includes("#")) return "must not have a fragment"; // RFC 6749 §3.2
  return undefined;
}

/** As endpointUrlFault; an issuer has no query either (RFC 8414 §2). */
export function issuerUrlFault(text: string): string | undefined {
  return endpointUrlFault(text) ?? (text.includes("?") ? "must not have a query" : undefined);
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
