// Decodes answers, because some providers ignore Accept-Encoding (hono#3518, undici#2514).

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, zstdDecompress } from "node:zlib";
import { TransportError } from "../../core/transport.ts";

type Done = (error: Error | null, decoded: Buffer) => void;
type Decoder = (bytes: Buffer, options: { maxOutputLength: number }, done: Done) => void;
const DECODERS: ReadonlyMap<string, Decoder> = new Map(
  Object.entries({ gzip: gunzip, "x-gzip": gunzip, deflate: inflate, br: brotliDecompress, zstd: zstdDecompress }),
);

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
    return await promisify(decoder)(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw new TransportError("too_large", error);
    throw new TransportError(code === "Z_BUF_ERROR" ? "truncated" : "malformed", error);
  }
}
