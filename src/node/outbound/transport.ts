// The transport on Node: undici's dispatcher, without what the global fetch adds to every call.

import { Agent, type Client, type Dispatcher, Pool } from "undici";
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
import { atEndOfTurn } from "../fast-path/turn.ts";
import { Connection, type ConnectionAware } from "./connection.ts";
import { ConnectTimeoutError, createConnector } from "./connector.ts";
import { decode } from "./content-coding.ts";

/** A connection that was closed already shows it within a round trip; later it is a server that died over the request. */
const STALE_MS = 50;
/** The largest header section that is read of a provider's answer. */
const MAX_HEADER_BYTES = 16_384;

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
  let last = parseTarget("");

  return (request) =>
    new Promise((resolve, reject) => {
      const exchange = new Exchange(request, resolve, reject);
      try {
        if (last.url !== request.url) last = parseTarget(request.url); // nearly every request goes where the one before went
        exchange.start(agent, last);
      } catch (error) {
        exchange.onResponseError(undefined, error as Error);
      }
    });
}

function createConnection(origin: URL, options: object): Connection {
  return new Connection(origin, options as Client.Options);
}

interface Target {
  url: string;
  origin: string;
  path: string;
}

function parseTarget(url: string): Target {
  if (url === "") return { url, origin: "", path: "" };
  const { origin, pathname, search } = new URL(url);
  return { url, origin, path: pathname + search };
}

/** One request and its answer: one of the two callbacks is called, once, and then nothing of it is left but a connection. */
class Exchange implements ConnectionAware {
  connection?: Connection;
  readonly #request: TransportRequest;
  readonly #resolve: (response: TransportResponse) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #timer: NodeJS.Timeout;
  #isSettled = false;
  #controller: Dispatcher.DispatchController | undefined;
  #startedAt = 0;
  /** Whether the connection had carried an answer before. */
  #isReused = false;
  /** Whether a byte of an answer has come. */
  #isAnswering = false;
  #status = 0;
  #headers: ReceivedHeaders = NONE;
  #length = 0;
  readonly #chunks: Buffer[] = [];

  constructor(
    request: TransportRequest,
    resolve: (response: TransportResponse) => void,
    reject: (error: TransportError) => void,
  ) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#fail(new TransportError("timeout")), request.timeout);
  }

  start(agent: Agent, { origin, path }: Target): void {
    const { method, headers, body = null } = this.#request;
    agent.dispatch({ origin, path, method, headers, body }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#startedAt = performance.now();
    this.#isReused = this.connection?.isReused === true;
    // The deadline passed while the request waited for a connection: it must not be sent any more.
    if (this.#isSettled) controller.abort(new TransportError("timeout"));
  }

  onResponseStarted(): void {
    this.#isAnswering = true;
  }

  onResponseStart(_controller: unknown, status: number, headers: RawHeaders): void {
    if (status < 200) return; // an interim response; the real one follows (RFC 9110 §15.2)
    this.#status = status;
    this.#headers = new ReceivedHeaders(headers);
    if (Number(headers["content-length"]) > this.#request.maxResponseBytes) this.#giveUpBody("too_large");
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#length += chunk.length;
    if (this.#length > this.#request.maxResponseBytes) this.#giveUpBody("too_large");
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.connection?.noteAnswer();
    const chunks = this.#chunks;
    const received = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, this.#length);
    const codings = this.#headers.get("content-encoding");
    if (codings === null) this.#succeed(received);
    else {
      decode(received, codings, this.#request.maxResponseBytes).then(
        (decoded) => this.#succeed(decoded),
        (error: TransportError) => this.#giveUpBody(error.failure, error.cause),
      );
    }
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail(asTransportError(error, this.#status !== 0, this.#delivery()));
  }

  /** What the server can have seen of the request, should it fail now. */
  #delivery(): Delivery {
    if (this.#controller === undefined) return "none";
    const isStale = this.#isReused && !this.#isAnswering && performance.now() - this.#startedAt < STALE_MS;
    return isStale ? "stale" : "some";
  }

  /** What is still to come is not wanted: too much, or not to be decoded. */
  #giveUpBody(failure: TransportFailure, cause?: unknown): void {
    const error = new TransportError(failure, cause);
    if (isBodyJudged(this.#status)) this.#fail(error);
    else {
      this.#succeed(new Uint8Array());
      this.#controller?.abort(error);
    }
  }

  #succeed(body: Uint8Array): void {
    if (this.#settle()) atEndOfTurn(() => this.#resolve({ status: this.#status, headers: this.#headers, body }));
  }

  #fail(error: TransportError): void {
    if (!this.#settle()) return;
    this.#reject(error);
    this.#controller?.abort(error);
  }

  /** @returns whether this is what settles the exchange */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    return true;
  }
}

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

class ReceivedHeaders {
  readonly #raw: RawHeaders;

  constructor(raw: RawHeaders) {
    this.#raw = raw;
  }

  /** A header that came several times has no meaning that all readers share; the first one is taken. */
  get(name: string): string | null {
    const value = this.#raw[name];
    return (Array.isArray(value) ? value[0] : value) ?? null;
  }
}

const NONE = new ReceivedHeaders({});

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
