// What Cloudflare says about a request beyond its own text: URL, client certificate, address.

import type { ClientCertificate, Inbound } from "../core/inbound.ts";
import { limitedAddress } from "../steps/limited-address.ts";

/** RFC 9110 section 7.2. The URL parser would take part of any other Host for the path. */
const HOST = /^[^\s/?#@\\]*$/;
/** No route has this path. */
const NO_PATH = "//";

export const workerInbound: Inbound = {
  pathAsSent({ url, headers }) {
    if (!HOST.test(headers.get("host") ?? "")) return NO_PATH;
    const start = url.indexOf("/", url.indexOf("://") + 3);
    const end = url.indexOf("?", start);
    return end === -1 ? url.slice(start) : url.slice(start, end);
  },
  clientCertificate: (request) => certificateOf((request as { cf?: Cf }).cf),
  isOutdated: () => false, // a new configuration is a new isolate
  recipient: ({ signal }) => ({
    get destroyed() {
      return signal.aborted;
    },
    once: (_close, listener) => signal.addEventListener("abort", listener),
    off: (_close, listener) => signal.removeEventListener("abort", listener),
  }),
  // Cloudflare sends the response after the Worker has ended.
  afterResponse: ({ signal }, _env, run) => run(signal.aborted ? false : undefined),
  // Cloudflare limits requests itself, and a request that it cuts off would be counted forever.
  awaitsBody: () => false,
  // Cloudflare replaces whatever a client sends under this name.
  clientAddress: ({ headers }) => limitedAddress(headers.get("cf-connecting-ip") ?? ""),
};

interface Cf {
  tlsClientAuth?: Readonly<Record<string, unknown>> | null;
}

/** Cloudflare also reports the fingerprint of certificates that are revoked or not verified. */
function certificateOf(cf: Cf | undefined): ClientCertificate | undefined {
  const { certPresented, certVerified, certRevoked, certFingerprintSHA256: fingerprint } = cf?.tlsClientAuth ?? {};
  if (certPresented !== "1" || certVerified !== "SUCCESS" || certRevoked !== "0") return undefined;
  if (typeof fingerprint !== "string" || !/^[0-9A-Fa-f]{64}$/.test(fingerprint)) return undefined;
  return { sha256: fingerprint.toLowerCase(), dnsNames: [] };
}
