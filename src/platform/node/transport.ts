// The transport on Node: undici's dispatcher, which costs a quarter of the CPU of the global fetch for a proxied call.

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type ZlibOptions, zstdDecompress } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { type Transport, TransportError, type TransportSettings } from "../../oauth/transport.ts";

/** Connections to one provider: as many as calls may be in flight, so that none waits behind a slow one. */
const MAX_CONNECTIONS = 256;
/** The largest header section that is read of a provider's answer. */
const MAX_HEADER_BYTES = 16_384;

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export function createNodeTransport(settings: TransportSettings): Transport {
  const agent = new Agent({
    connections: MAX_CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: { timeout: settings.connect_timeout },
    // One deadline of ours covers connect, headers and body; undici's own coarser timers would only add work.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  return ({ method, url, headers, body, timeout, maxResponseBytes }) =>
    new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      let settled = false;
      let status = 0;
      let responseHeaders: ResponseHeaders = {};
      let length = 0;
      const chunks: Buffer[] = [];

      const timer = setTimeout(() => fail(new TransportError("timeout")), Math.max(timeout, 0));
      const fail = (error: TransportError) => {
        if (settled) return;
        settled = true;
        clearTimeout(timer);
        reject(error);
        controller?.abort(error);
      };

      const { origin, pathname, search } = new URL(url);
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart(started) {
          controller = started;
          // The deadline passed while the request waited for a connection: it must not be sent any more.
          if (settled) started.abort(new TransportError("timeout"));
        },
        onResponseStart(_controller, statusCode, received) {
          if (statusCode < 200) return; // an interim response; the real one follows (RFC 9110 §15.2)
          status = statusCode;
          responseHeaders = received;
          if (Number(received["content-length"]) > maxResponseBytes) fail(new TransportError("too_large"));
        },
        onResponseData(_controller, chunk) {
          length += chunk.length;
          if (length > maxResponseBytes) return fail(new TransportError("too_large"));
          chunks.push(chunk);
        },
        onResponseEnd() {
          const received = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
          decode(received, single(responseHeaders["content-encoding"]), maxResponseBytes).then((decoded) => {
            if (settled) return;
            settled = true;
            clearTimeout(timer);
            resolve({ status, headers: { get: (name) => single(responseHeaders[name]) }, body: decoded });
          }, fail);
        },
        onResponseError(_controller, error) {
          fail(asTransportError(error, status !== 0));
        },
      };
      try {
        agent.dispatch({ origin, path: pathname + search, method, headers, body: body ?? null }, handler);
      } catch (error) {
        fail(asTransportError(error as Error, false));
      }
    });
}

/** A header that came several times has no meaning that all readers share; the first one is taken. */
function single(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function asTransportError(error: Error, answered: boolean): TransportError {
  const code = String((error as { code?: unknown }).code ?? "");
  // llhttp's complaints; an end of input where more had to come is a connection that broke off.
  if ((code.startsWith("HPE_") && code !== "HPE_INVALID_EOF_STATE") || code === "UND_ERR_HEADERS_OVERFLOW") {
    return new TransportError("malformed", error);
  }
  return new TransportError(answered ? "truncated" : "unreachable", error);
}

type Decoder = (bytes: Buffer, options: ZlibOptions) => Promise<Buffer>;

/** Some providers encode although identity was asked for (hono#3518, undici#2514). */
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: promisify(gunzip) as Decoder,
  "x-gzip": promisify(gunzip) as Decoder,
  deflate: promisify(inflate) as Decoder,
  br: promisify(brotliDecompress) as Decoder,
  zstd: promisify(zstdDecompress) as Decoder,
};

/** @throws {TransportError} too_large before more than `limit` bytes are held, so that no small answer can fill the memory */
async function decode(bytes: Buffer, coding: string | null, limit: number): Promise<Buffer> {
  const name = coding?.trim().toLowerCase() ?? "";
  if (name === "" || name === "identity") return bytes;
  const decoder = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (decoder === undefined) throw new TransportError("malformed");
  try {
    return await decoder(bytes, { maxOutputLength: limit });
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ERR_BUFFER_TOO_LARGE") throw new TransportError("too_large", error);
    throw new TransportError(code === "Z_BUF_ERROR" ? "truncated" : "malformed", error);
  }
}
