// What Cloudflare tells a Worker of a request beyond what it says: its URL, its client certificate, its address.

import type { ClientCertificate, Inbound } from "../core/inbound.ts";
import { limitedAddress } from "../core/limited-address.ts";

/** What a Host header may be (RFC 9110 §7.2); with anything else in it, it would be read as part of the path. */
const HOST = /^[^\s/?#@\\]*$/;

export const workerInbound: Inbound = {
  /** The path of the URL, which the runtime makes of Host and request line. */
  pathAsSent({ url, headers }) {
    if (!HOST.test(headers.get("host") ?? "")) return "//"; // no route has this path
    const start = url.indexOf("/", url.indexOf("://") + 3);
    const end = url.indexOf("?", start);
    return end === -1 ? url.slice(start) : url.slice(start, end);
  },
  clientCertificate: (request) => certificateOf((request as WithCf).cf?.tlsClientAuth),
  recipient: () => undefined,
  // Cloudflare sets it, and replaces whatever a client sends under this name.
  clientAddress: ({ headers }) => limitedAddress(headers.get("cf-connecting-ip") ?? ""),
};

/** Of `request.cf`, what this program looks at; all of it text. */
interface WithCf {
  cf?: {
    tlsClientAuth?: {
      certPresented?: unknown;
      certVerified?: unknown;
      certRevoked?: unknown;
      certFingerprintSHA256?: unknown;
    } | null;
  };
}

type TlsClientAuth = NonNullable<WithCf["cf"]>["tlsClientAuth"];

/** The fingerprint is there for certificates that are revoked or not verified, too. */
function certificateOf(auth: TlsClientAuth): ClientCertificate | undefined {
  if (auth?.certPresented !== "1" || auth.certVerified !== "SUCCESS" || auth.certRevoked !== "0") return undefined;
  const { certFingerprintSHA256: fingerprint } = auth;
  if (typeof fingerprint !== "string" || !/^[0-9A-Fa-f]{64}$/.test(fingerprint)) return undefined;
  return { sha256: fingerprint.toLowerCase(), dnsNames: [] };
}
