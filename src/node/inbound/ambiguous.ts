// Requests that Node's parser lets through although something in front of this proxy may read them otherwise.

import type { IncomingMessage } from "node:http";

/**
 * Where two readers disagree about a request, one of them can be made to take another's words for the caller's.
 * @returns true for a request line without a version (HTTP/0.9, which has no headers), for a Host that stands twice
 * (RFC 9112 §3.2 asks for the 400), for chunks in HTTP/1.0, which knows none (§6.1), and for a body in a coding beside
 * `chunked`, since nobody here would undo it
 */
export function isAmbiguous({ httpVersionMajor, httpVersionMinor, rawHeaders, headers }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (httpVersionMinor === 0 || coding.toLowerCase() !== "chunked")) return true;
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts > 1;
}
