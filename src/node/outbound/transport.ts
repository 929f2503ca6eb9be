// The transport on Node: undici's dispatcher, which tells what the server has seen of a failed request.

import { Agent, type Dispatcher, errors, Pool } from "undici";
import {
  type Delivery,
  isBodyJudged,
  type Transport,
  TransportError,
  type TransportFailure,
  type TransportRequest,
  type TransportResponse,
  type TransportSettings,
} from "../../core/transport.ts";
import { Connection, type ConnectionAware } from "./connection.ts";
import { decode } from "./content-coding.ts";

/** A connection that the server had already closed fails within a round trip. Later, the server died over the request. */
const STALE_MS = 50;
/** Limit for the headers of a provider's answer. */
const MAX_HEADER_BYTES = 16_384;

export function createNodeTransport({ connect_timeout, connections, tls }: TransportSettings): Transport {
  const agent = new Agent({
    connections, // as many as requests in flight, so that none waits behind a slow one
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    // undici may be half a second late with a timeout of more than a second.
    connect: {
      timeout: connect_timeout,
      ...(tls?.certificate === undefined ? {} : { cert: tls.certificate.reveal(), key: tls.private_key?.reveal() }),
      ...(tls?.ca === undefined ? {} : { ca: tls.ca.reveal() }),
    },
    // One exact deadline of ours covers connect, headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory: (origin, options) =>
      new Pool(origin, { ...options, factory: (at, settings) => new Connection(at, settings) }),
  });

  return (request) => {
    const exchange = new Exchange(request);
    try {
      const { origin, pathname, search } = new URL(request.url);
      const { method, headers, body = null } = request;
      agent.dispatch({ origin, path: pathname + search, method, headers, body }, exchange);
    } catch (error) {
      exchange.onResponseError(undefined, error as Error);
    }
    return exchange.response;
  };
}

/** One request and its answer. */
class Exchange implements ConnectionAware {
  connection?: Connection;
  readonly #request: TransportRequest;
  readonly #result = Promise.withResolvers<TransportResponse>();
  readonly #timer: NodeJS.Timeout;
  #isSettled = false;
  /** Undefined until the request is being sent. */
  #controller: Dispatcher.DispatchController | undefined;
  #sentAt = 0;
  #isReused = false;
  /** Whether a byte of the answer has arrived. */
  #isAnswering = false;
  /** 0 until the headers have arrived. */
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(request: TransportRequest) {
    this.#request = request;
    this.#timer = setTimeout(() => this.#fail(new TransportError("timeout")), request.timeout);
  }

  get response(): Promise<TransportResponse> {
    return this.#result.promise;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#sentAt = performance.now();
    this.#isReused = this.connection?.isReused === true;
    // The deadline passed while the request waited for a connection.
    if (this.#isSettled) controller.abort(new TransportError("timeout"));
  }

  onResponseStarted(): void {
    this.#isAnswering = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    if (status < 200) return; // an interim response; the final one follows (RFC 9110 §15.2)
    this.#status = status;
    this.#headers = headers;
    if (Number(headers["content-length"]) > this.#request.maxResponseBytes) this.#giveUpBody("too_large");
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > this.#request.maxResponseBytes) this.#giveUpBody("too_large");
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.connection !== undefined) this.connection.isReused = true;
    const body = Buffer.concat(this.#chunks, this.#length);
    const codings = firstValue(this.#headers, "content-encoding");
    if (codings === null) this.#succeed(body);
    else {
      decode(body, codings, this.#request.maxResponseBytes).then(
        (decoded) => this.#succeed(decoded),
        (error: TransportError) => this.#giveUpBody(error.failure, error.cause),
      );
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(toTransportError(error, this.#status !== 0, this.#delivery()));
  }

  /** What the server may have seen of the request if it fails now. */
  #delivery(): Delivery {
    if (this.#controller === undefined) return "none";
    const isStale = this.#isReused && !this.#isAnswering && performance.now() - this.#sentAt < STALE_MS;
    return isStale ? "stale" : "some";
  }

  /** Stops reading a body that is too large or cannot be decoded. */
  #giveUpBody(failure: TransportFailure, cause?: unknown): void {
    const error = new TransportError(failure, cause);
    if (isBodyJudged(this.#status)) this.#fail(error);
    else {
      this.#succeed(new Uint8Array());
      this.#controller?.abort(error);
    }
  }

  #succeed(body: Uint8Array): void {
    const headers = this.#headers;
    const response = { status: this.#status, headers: { get: (name: string) => firstValue(headers, name) }, body };
    // Fast path, see listener.ts. Plain: resolve(response).
    if (this.#settle()) setImmediate(this.#result.resolve, response);
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.#result.reject(error);
    this.#controller?.abort(error);
  }

  /** @returns false if the exchange was settled before */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    return true;
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Recipients do not agree on what a repeated header means, so only the first one counts. */
function firstValue(headers: Headers, name: string): string | null {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? null;
}

function toTransportError(error: Error, hasStatus: boolean, delivery: Delivery): TransportError {
  const { code } = error as { code?: unknown };
  // An unexpected end of input is a broken connection; other complaints of the parser are not HTTP.
  const isUnreadable = error.name === "HTTPParserError" && !error.message.includes("Invalid EOF state");
  const isContradictory = code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH" && !hasStatus;
  if (isUnreadable || isContradictory || code === "UND_ERR_HEADERS_OVERFLOW")
    return new TransportError("malformed", error);
  if (error instanceof errors.ConnectTimeoutError) return new TransportError("connect_timeout", error, delivery);
  return new TransportError(hasStatus ? "truncated" : "unreachable", error, delivery);
}
