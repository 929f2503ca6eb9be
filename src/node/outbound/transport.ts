// The transport on Node, with undici, which shows what a server saw of a failed request.

import { Agent, Client, type Dispatcher, errors, Pool } from "undici";
import { PAUSE_MS, startDeadline } from "../../core/deadline.ts";
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
import { inBatch } from "../fast-path/batch.ts";
import { nodeClock } from "../host.ts";
import { decode } from "./content-coding.ts";

/** A connection that the server has closed fails within a round trip. A crash takes longer. */
const STALE_MS = 50;
/** undici may be this late with a connect timeout of more than a second. */
const UNDICI_TICK_MS = 500;
/** Limit for the headers of a provider's answer. */
const MAX_HEADER_BYTES = 16_384;

/** @returns with `close`, which closes the connections once they have no request */
export const createNodeTransport = ({ connect_timeout, connections, tls }: TransportSettings) => {
  const agent = new Agent({
    connections, // as many as requests in flight, so that none waits behind a slow one
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_HEADER_BYTES,
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

  const send: Transport = (request) => {
    const sent = new SentRequest(request, connect_timeout);
    try {
      const { origin, pathname, search } = new URL(request.url);
      const { method, headers, body = null } = request;
      agent.dispatch({ origin, path: pathname + search, method, headers, body }, sent);
    } catch (error) {
      sent.onResponseError(undefined, error as Error);
    }
    return sent.result.promise;
  };
  return Object.assign(send, { close: () => agent.close() });
};

class Connection extends Client {
  /** Whether it has carried a response before. A server may close such a connection at any time. */
  isReused = false;

  constructor(origin: URL, options: object) {
    super(origin, options as Client.Options);
    this.on("connect", () => {
      this.isReused = false;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, sent: SentRequest): boolean {
    sent.connection = this;
    return super.dispatch(options, sent);
  }
}

/** One request and its answer. */
class SentRequest implements Dispatcher.DispatchHandler {
  connection?: Connection;
  readonly #request: TransportRequest;
  readonly result = Promise.withResolvers<TransportResponse>();
  readonly #stopDeadline: () => void;
  /** A later connect timeout was late. */
  readonly #connectLateAt: number;
  #isSettled = false;
  /** Undefined until the request is being sent. */
  #controller: Dispatcher.DispatchController | undefined;
  /** Until then, a failure means that the server had already closed a reused connection. */
  #staleUntil = 0;
  /** 0 until the headers have arrived. */
  #status = 0;
  #headers: Headers = {};
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(request: TransportRequest, connectTimeout: number) {
    this.#request = request;
    this.#connectLateAt = performance.now() + connectTimeout + UNDICI_TICK_MS + PAUSE_MS;
    this.#stopDeadline = startDeadline(request.timeout, nodeClock.elapsed, (isLate) =>
      this.#fail(new TransportError(isLate ? "late" : "timeout")),
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.connection?.isReused === true) this.#staleUntil = performance.now() + STALE_MS;
    // The deadline passed while the request waited for a connection.
    if (this.#isSettled) controller.abort(new TransportError("timeout"));
  }

  onResponseStarted(): void {
    this.#staleUntil = 0;
  }

  onResponseStart(_controller: unknown, status: number, headers: Headers): void {
    if (status < 200) return; // an interim response; the final one follows (RFC 9110 section 15.2)
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
    const now = performance.now();
    const delivery = now < this.#staleUntil ? "stale" : "some";
    const failed = toTransportError(error, this.#status !== 0, this.#controller === undefined ? "none" : delivery);
    const isLate = failed.failure === "connect_timeout" && now > this.#connectLateAt;
    this.#fail(isLate ? new TransportError("late", error) : failed);
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
    if (this.#settle()) inBatch(() => this.result.resolve(response));
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.result.reject(error);
    this.#controller?.abort(error);
  }

  /** @returns false if the result was settled before */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#stopDeadline();
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
