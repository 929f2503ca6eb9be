// The transport on Node, with undici, which shows what a server saw of a failed request.

import { type Dispatcher, errors } from "undici";
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
import { type ConnectionHandler, createDispatcher, type Line, type OpenConnection } from "./dispatcher.ts";

/** A connection that the server has closed fails within a round trip. A crash takes longer. */
const STALE_MS = 50;
/** undici may be this late with a connect timeout of more than a second. */
const UNDICI_TICK_MS = 500;

/** @returns with `close`, which closes the connections once they have no request */
export const createNodeTransport = (settings: TransportSettings) => {
  const agent = createDispatcher(settings);
  const reset = settings.reuse_connections === false;

  const send: Transport = (request) => {
    const sent = new SentRequest(request, settings.connect_timeout);
    try {
      const { origin, pathname, search } = new URL(request.url);
      const { method, headers, body = null } = request;
      agent.dispatch({ origin, path: pathname + search, method, headers, body, reset }, sent);
    } catch (error) {
      sent.onResponseError(undefined, error as Error);
    }
    return sent.result.promise;
  };
  return Object.assign(send, { close: () => agent.close() });
};

class SentRequest implements ConnectionHandler {
  line?: Line;
  onConnected: ((error?: Error) => void) | undefined;
  readonly #request: TransportRequest;
  readonly result = Promise.withResolvers<TransportResponse>();
  readonly #stopDeadline: () => void;
  /** In the next turn of the event loop, after answers that have arrived are read. */
  readonly #onHangUp = () => setImmediate(() => this.#fail(new TransportError("unreachable")));
  /** A later connect timeout was late. */
  readonly #connectLateAt: number;
  isSettled = false;
  /** Undefined until the request is being sent, as its connection. */
  #controller: Dispatcher.DispatchController | undefined;
  #connection: OpenConnection | undefined;
  #wasReused = false;
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
    request.recipient?.once("close", this.#onHangUp);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.onConnected?.();
    const isSentAgain = this.#controller !== undefined;
    this.#controller = controller;
    this.#connection = this.line?.connection;
    this.#wasReused = this.#connection?.isReused === true;
    if (this.#wasReused) this.#staleUntil = performance.now() + STALE_MS;
    // The deadline passed while the request waited for a connection.
    if (this.isSettled) controller.abort(new TransportError("timeout"));
    // After GOAWAY or REFUSED_STREAM, which say that the server did nothing (RFC 9113 section 8.7),
    // undici would send the same bytes again. Our retry signs anew.
    else if (isSentAgain) this.#fail(new TransportError("unreachable", undefined, "none"));
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
    if (this.#connection !== undefined) this.#connection.isReused = true;
    const codings = firstValue(this.#headers, "content-encoding");
    try {
      this.#succeed(decode(Buffer.concat(this.#chunks, this.#length), codings, this.#request.maxResponseBytes));
    } catch (error) {
      const { failure, cause } = error as TransportError;
      this.#giveUpBody(failure, cause);
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.onConnected?.(error);
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
      this.#abort(error);
    }
  }

  #succeed(body: Uint8Array): void {
    const headers = this.#headers;
    const get = (name: string) => firstValue(headers, name);
    const response = { status: this.#status, headers: { get }, body, connection: this.#connection };
    if (!this.#settle()) return;
    inBatch(() => {
      // Two answers to one request: the first may be the answer to the request before, sent twice.
      const isDoubtful = this.#wasReused && this.#connection?.hasSurplus === true;
      if (isDoubtful) this.result.reject(new TransportError("malformed"));
      else this.result.resolve(response);
    });
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.result.reject(error);
    this.#abort(error);
  }

  /** A connection on which a request failed is not used again: on HTTP/2 it may be dead. */
  #abort(error: TransportError): void {
    this.#controller?.abort(error);
    if (error.delivery !== "none") this.#connection?.close();
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.#stopDeadline();
    this.#request.recipient?.off("close", this.#onHangUp);
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
  if (/^PROXY_4\d\d$/.test(String(code))) return new TransportError("proxy_refused", error, delivery);
  if (error instanceof errors.ConnectTimeoutError) return new TransportError("connect_timeout", error, delivery);
  return new TransportError(hasStatus ? "truncated" : "unreachable", error, delivery);
}
