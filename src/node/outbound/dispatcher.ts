// The connections to a provider or nextAuth Server: HTTP/2 where it is offered, else HTTP/1.1.

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { callbackify } from "node:util";
import { Agent, buildConnector, Client, type Dispatcher, errors, Pool } from "undici";
import type { Connection, TransportSettings } from "../../core/transport.ts";

/** Limit for the headers of an answer. On HTTP/2, Node's own limit is 64 KiB. */
const MAX_HEADER_BYTES = 16_384;

/** A request as undici's handler, which learns on which connection it is sent. */
export interface ConnectionHandler extends Dispatcher.DispatchHandler {
  line?: Line;
  /** Called when the request has a connection, or an error instead of one. */
  onConnected?: ((error?: Error) => void) | undefined;
  /** Nobody waits for the answer any more. */
  readonly isSettled: boolean;
}

export function createDispatcher(settings: TransportSettings): Agent {
  const { connect_timeout, connections, tls, proxyFor, http2 = "auto", reuse_connections = true } = settings;
  const allowH2 = http2 === "auto" && reuse_connections;
  return new Agent({
    connections, // as many as requests in flight, so that none waits behind a slow one
    pipelining: 1,
    allowH2,
    maxHeaderSize: MAX_HEADER_BYTES,
    // undici may be half a second late with a timeout of more than a second.
    connect: {
      timeout: connect_timeout,
      preferH2: true,
      ...(tls?.certificate === undefined ? {} : { cert: tls.certificate.reveal(), key: tls.private_key?.reveal() }),
      ...(tls?.ca === undefined ? {} : { ca: tls.ca.reveal() }),
    },
    // One exact deadline of ours covers connect, headers and body.
    headersTimeout: 0,
    bodyTimeout: 0,
    factory(origin, options: Pool.Options) {
      const url = new URL(origin);
      const proxy = proxyFor?.(url);
      if (proxy === undefined) return new Origin(url, options);
      const connectTls = buildConnector({ ...(options.connect as object), allowH2, timeout: 0 });
      // The import loads its code only when used.
      const connect = async (at: buildConnector.Options) =>
        (await import("./proxy.ts")).connectThrough(proxy, at, connectTls, connect_timeout);
      return new Origin(url, { ...options, connect: callbackify(connect) as unknown as buildConnector.connector });
    },
  });
}

/**
 * Until the first connection shows whether the server speaks HTTP/2, undici's pool queues all other
 * requests, and gives a server that does not answer one after the other of them: the last would
 * learn it after its deadline. So they wait here, and fail together with the first.
 */
class Origin extends Pool {
  readonly #mayUseHttp2: boolean;
  #isOpen = false;
  #first: ConnectionHandler | undefined;
  #waiting: [Dispatcher.DispatchOptions, ConnectionHandler][] = [];

  constructor(origin: URL, options: Pool.Options) {
    super(origin, { ...options, factory: (at, settings) => new Line(at, settings as LineOptions) });
    this.#mayUseHttp2 = options.allowH2 === true && origin.protocol === "https:";
    const look = () => {
      this.#isOpen = this.stats.connected > 0;
    };
    this.on("connect", look).on("disconnect", look).on("connectionError", look);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionHandler): boolean {
    if (this.#first !== undefined) return this.#waiting.push([options, handler]) === 0;
    if (this.#mayUseHttp2 && !this.#isOpen) {
      this.#first = handler;
      handler.onConnected = (error) => {
        handler.onConnected = undefined;
        this.#release(error);
      };
    }
    return super.dispatch(options, handler);
  }

  #release(error: Error | undefined): void {
    const waiting = this.#waiting.filter(([, handler]) => !handler.isSettled);
    this.#first = undefined;
    this.#waiting = [];
    for (const [options, handler] of waiting) {
      if (error === undefined) super.dispatch(options, handler);
      else handler.onResponseError?.(undefined as never, error);
    }
  }
}

type LineOptions = Client.Options & { connect: buildConnector.connector };

/** One connection at a time to an origin; opens the next one when it is needed. */
export class Line extends Client {
  connection: OpenConnection | undefined;

  constructor(origin: URL, options: LineOptions) {
    super(origin, {
      ...options,
      connect: (at, done) =>
        options.connect(at, (...result) => {
          const [error, socket] = result;
          if (error === null) this.connection = new OpenConnection(this, socket);
          done(...result);
        }),
    });
    this.on("disconnect", (_origin, _targets, error) => this.connection?.end(error));
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionHandler): boolean {
    handler.line = this;
    return super.dispatch(options, handler);
  }
}

export class OpenConnection implements Connection {
  isTroubled = false;
  /** Whether it has carried an answer before. A server may close such a connection at any time. */
  isReused = false;
  readonly isHttp2: boolean;
  /** Undefined after its end, because a remembered session keeps this object for a minute. */
  #ends: { line: Line; socket: Socket } | undefined;

  constructor(line: Line, socket: Socket) {
    this.isHttp2 = (socket as TLSSocket).alpnProtocol === "h2";
    this.#ends = { line, socket };
  }

  close(): void {
    this.isTroubled = true;
    const { line, socket } = this.#ends ?? {};
    this.#ends = undefined;
    // On HTTP/1.1 the next answer may be the wrong one too, so a request that waits for it fails.
    if (!this.isHttp2) socket?.destroy();
    // On HTTP/2 other requests finish on their own streams. Upon this event, undici's Pool takes
    // the client out of use, closes it after its last stream, and opens another (undici#3895).
    else line?.emit("connectionError", new URL("https://unused"), [line], new errors.SocketError("closed"));
  }

  /** Whether more bytes than an answer came on HTTP/1.1. */
  get hasSurplus(): boolean {
    const { errored } = this.#ends?.socket ?? {};
    return !this.isHttp2 && errored != null && !isOrderly(errored);
  }

  end(error: Error): void {
    this.#ends = undefined;
    // Surplus bytes, for example: an answer that came twice may be the one to an earlier request.
    if (!isOrderly(error)) this.isTroubled = true;
  }
}

/** An idle connection that either side closes; DESTROYED: the whole pool was closed. */
function isOrderly({ code, message }: Error & { code?: string }): boolean {
  return code === "UND_ERR_INFO" || code === "UND_ERR_DESTROYED" || message === "other side closed";
}
