// Decodes answers, because some providers ignore Accept-Encoding (hono#3518, undici#2514).

import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from "node:zlib";
import { TransportError } from "../../core/transport.ts";

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;
const DECODERS = new Map<string, Decoder>([
  ["gzip", gunzipSync],
  ["x-gzip", gunzipSync],
  ["deflate", inflateSync],
  ["br", brotliDecompressSync],
  ["zstd", zstdDecompressSync],
]);

/**
 * Synchronous, so that an answer is judged before the next request uses its connection.
 * @param codings value of Content-Encoding or null; one coding besides identity is supported
 * @param limit bytes of the decoded body; more are never held in memory
 * @throws {TransportError} too_large, truncated or malformed
 */
export function decode(bytes: Buffer, codings: string | null, limit: number): Buffer {
  if (codings === null) return bytes;
  const names = codings.split(",").map((name) => name.trim().toLowerCase());
  const [name, ...more] = names.filter((coding) => coding !== "" && coding !== "identity");
  if (name === undefined || bytes.length === 0) return bytes;
  const decoder = DECODERS.get(name);
  if (decoder === undefined || more.length > 0) throw new TransportError("malformed");
  try {
    return decoder(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw new TransportError("too_large", error);
    throw new TransportError(code === "Z_BUF_ERROR" ? "truncated" : "malformed", error);
  }
}
