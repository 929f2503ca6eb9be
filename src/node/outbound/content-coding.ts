// Decodes compressed answers: some providers compress although the request asks for identity (hono#3518, undici#2514).

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type ZlibOptions, zstdDecompress } from "node:zlib";
import { TransportError } from "../../core/transport.ts";

type Decoder = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decoder> = new Map([
  ["gzip", promisify(gunzip) as Decoder],
  ["x-gzip", promisify(gunzip) as Decoder],
  ["deflate", promisify(inflate) as Decoder],
  ["br", promisify(brotliDecompress) as Decoder],
  ["zstd", promisify(zstdDecompress) as Decoder],
]);

/**
 * @param codings value of Content-Encoding; one coding besides identity is supported
 * @param limit bytes of the decoded body; more are never held in memory
 * @throws {TransportError} too_large, truncated or malformed
 */
export async function decode(bytes: Buffer, codings: string, limit: number): Promise<Buffer> {
  const names = codings.split(",").map((name) => name.trim().toLowerCase());
  const [name, ...more] = names.filter((coding) => coding !== "" && coding !== "identity");
  if (name === undefined || bytes.length === 0) return bytes;
  const decoder = DECODERS.get(name);
  if (decoder === undefined || more.length > 0) throw new TransportError("malformed");
  try {
    return await decoder(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw new TransportError("too_large", error);
    throw new TransportError(code === "Z_BUF_ERROR" ? "truncated" : "malformed", error);
  }
}
