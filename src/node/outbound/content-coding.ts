// Undoes the content coding of an answer: some providers encode although identity was asked for (hono#3518, undici#2514).

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type ZlibOptions, zstdDecompress } from "node:zlib";
import { TransportError } from "../../core/transport.ts";

type Decoder = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip) as Decoder,
  "x-gzip": promisify(gunzip) as Decoder,
  deflate: promisify(inflate) as Decoder,
  br: promisify(brotliDecompress) as Decoder,
  zstd: promisify(zstdDecompress) as Decoder,
};

/**
 * @param codings the value of Content-Encoding
 * @throws {TransportError} too_large before more than `limit` bytes are held, so that no small answer can fill the memory
 */
export async function decode(bytes: Buffer, codings: string, limit: number): Promise<Buffer> {
  const names = codings
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
  const [name, ...more] = names.filter((coding) => coding !== "" && coding !== "identity");
  if (name === undefined || bytes.length === 0) return bytes;
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (decoder === undefined || more.length > 0) throw new TransportError("malformed");
  try {
    return await decoder(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw new TransportError("too_large", error);
    throw new TransportError(code === "Z_BUF_ERROR" ? "truncated" : "malformed", error);
  }
}
