// Reads when certificates end.

import { X509Certificate } from "node:crypto";

/**
 * @param pem a certificate with its chain, which has been looked at before (credentials.ts)
 * @returns milliseconds since the epoch: of the whole chain the first end
 */
export function expiryOf(pem: string): number {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return Math.min(...blocks.map((block) => new X509Certificate(block).validToDate.getTime()));
}
