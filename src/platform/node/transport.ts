// The transport on Node: undici's dispatcher, without what the global fetch adds to every call.

import { promisify } from "node:util";
import { brotliDecompress, gunzip, inflate, type ZlibOptions, zstdDecompress } from "node:zlib";
import { Agent, type Client, type Dispatcher, Pool } from "undici";
import {
  type Delivery,
  isBodyJudged,
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
  type TransportSettings,
} from "../../transport.ts";
import { Connection, type ConnectionAware } from "./connection.ts";
import { ConnectTimeoutError, createConnector } from "./connector.ts";

/** A connection that was closed already shows it within a round trip; later it is a server that died over the request. */
const STALE_MS = 50;
/** The largest header section that is read of a provider's answer. */
const MAX_HEADER_BYTES = 16_384;

type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

export function createNodeTransport(settings: TransportSettings): Transport {
  const agent = new Agent({
    connections: settings.connections, // as many as requests may be in flight, so that none waits behind a slow one
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    connect: createConnector(settings),
    // One deadline of ours covers connect, headers and body; undici's own coarser timers would only add work.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin, options) => new Pool(origin, { ...options, factory: createConnection }),
  });

  return (request) => new Promise((resolve, reject) => exchange(agent, request, resolve, reject));
}

function createConnection(origin: URL, options: object): Connection {
  return new Connection(origin, options as Client.Options);
}

/** Sends one request; one of the two callbacks is called, once, and then nothing of the exchange is left but a connection. */
function exchange(
  agent: Agent,
  { method, url, headers, body, timeout, maxResponseBytes }: TransportRequest,
  resolve: (response: TransportResponse) => void,
  reject: (error: TransportError) => void,
): void {
  let controller: Dispatcher.DispatchController | undefined;
  let settled = false;
  let startedAt = 0;
  /** Whether the connection had carried an answer before. */
  let reused = false;
  /** Whether a byte of an answer has come. */
  let answering = false;
  let status = 0;
  let responseHeaders: ResponseHeaders = {};
  let length = 0;
  const chunks: Buffer[] = [];

  /** @returns whether this is what settles the exchange */
  const settle = () => {
    if (settled) return false;
    settled = true;
    clearTimeout(timer);
    return true;
  };
  const fail = (error: TransportError) => {
    if (!settle()) return;
    reject(error);
    controller?.abort(error);
  };
  const succeed = (decoded: Uint8Array) => {
    if (settle()) resolve({ status, headers: { get: (name) => single(responseHeaders[name]) }, body: decoded });
  };
  /** What is still to come is not wanted: too much, or not to be decoded. */
  const giveUpBody = (error: TransportError) => {
    if (isBodyJudged(status)) return fail(error);
    succeed(new Uint8Array());
    controller?.abort(error);
  };
  const timer = setTimeout(() => fail(new TransportError("timeout")), timeout);

  /** What the server can have seen of the request, should it fail now. */
  const delivery = (): Delivery => {
    if (controller === undefined) return "none";
    return reused && !answering && performance.now() - startedAt < STALE_MS ? "stale" : "some";
  };

  const handler: ConnectionAware = {
    onRequestStart(started) {
      controller = started;
      startedAt = performance.now();
      reused = handler.connection?.isReused === true;
      // The deadline passed while the request waited for a connection: it must not be sent any more.
      if (settled) started.abort(new TransportError("timeout"));
    },
    onResponseStarted() {
      answering = true;
    },
    onResponseStart(_controller, statusCode, received) {
      if (statusCode < 200) return; // an interim response; the real one follows (RFC 9110 §15.2)
      status = statusCode;
      responseHeaders = received;
      if (Number(received["content-length"]) > maxResponseBytes) giveUpBody(new TransportError("too_large"));
    },
    onResponseData(_controller, chunk) {
      length += chunk.length;
      if (length > maxResponseBytes) return giveUpBody(new TransportError("too_large"));
      chunks.push(chunk);
    },
    onResponseEnd() {
      handler.connection?.noteAnswer();
      const received = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
      const codings = single(responseHeaders["content-encoding"]);
      if (codings === null) succeed(received);
      else decode(received, codings, maxResponseBytes).then(succeed, giveUpBody);
    },
    onResponseError(_controller, error) {
      fail(asTransportError(error, status !== 0, delivery()));
    },
  };
  try {
    agent.dispatch({ ...targetOf(url), method, headers, body: body ?? null }, handler);
  } catch (error) {
    fail(asTransportError(error as Error, false, delivery()));
  }
}

let lastTarget = { url: "", origin: "", path: "" };

/** Nearly every request goes where the one before went. */
function targetOf(url: string): { origin: string; path: string } {
  if (lastTarget.url !== url) {
    const { origin, pathname, search } = new URL(url);
    lastTarget = { url, origin, path: pathname + search };
  }
  return lastTarget;
}

/** A header that came several times has no meaning that all readers share; the first one is taken. */
function single(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function asTransportError(error: Error, answered: boolean, delivery: Delivery): TransportError {
  const { code } = error as { code?: unknown };
  // The parser's complaints; an end of input where more had to come is a connection that broke off.
  const unreadable = error.name === "HTTPParserError" && !error.message.includes("Invalid EOF state");
  const contradictory = code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && !answered;
  if (unreadable || contradictory || code === "UND_ERR_HEADERS_OVERFLOW") return new TransportError("malformed", error);
  // Its time is up: a second try would only take as much again.
  if (error instanceof ConnectTimeoutError) return new TransportError("connect_timeout", error, delivery);
  return new TransportError(answered ? "truncated" : "unreachable", error, delivery);
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
async function decode(bytes: Buffer, codings: string, limit: number): Promise<Buffer> {
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
