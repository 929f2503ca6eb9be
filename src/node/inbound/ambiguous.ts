// Refuses requests that Node accepts but that a proxy in front may read differently (request smuggling).

import type { IncomingMessage } from "node:http";

/**
 * @returns true for HTTP/0.9 (a request line without version), a repeated Host (RFC 9112 §3.2), chunks
 * in HTTP/1.0 (§6.1), and a transfer coding besides `chunked`, which nothing here would decode
 */
export function isAmbiguous({ httpVersionMajor, httpVersionMinor, rawHeaders, headers }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== "chunked")) return true;
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length > 1;
}
