// Connections to a provider: they connect within an exact time and know whether they were used before.

import { buildConnector, Client, type Dispatcher } from "undici";
import type { TransportSettings } from "../../core/transport.ts";

/** A handler that gets to know the connection its request is sent on. */
export interface ConnectionAware extends Dispatcher.DispatchHandler {
  connection?: Connection;
}

export class Connection extends Client {
  /** Whether the open socket has carried a response before. A server may close such a socket at any time. */
  isReused = false;

  constructor(origin: URL, options: object) {
    super(origin, options as Client.Options);
    this.on("connect", () => {
      this.isReused = false;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionAware): boolean {
    handler.connection = this;
    return super.dispatch(options, handler);
  }
}

export class ConnectTimeoutError extends Error {
  override readonly name = "ConnectTimeoutError";
  readonly code = "CONNECT_TIMEOUT";
}

/**
 * undici's own connect timeout may be a second late.
 * @returns the `connect` option of undici's Agent; the limit covers DNS, TCP and TLS
 */
export function createConnector({ connect_timeout, tls }: TransportSettings): buildConnector.connector {
  const connect = buildConnector({
    timeout: 0,
    ...(tls?.certificate === undefined ? {} : { cert: tls.certificate.reveal(), key: tls.private_key?.reveal() }),
    ...(tls?.ca === undefined ? {} : { ca: tls.ca.reveal() }),
  }) as (...parameters: Parameters<buildConnector.connector>) => { destroy(error: Error): void } | undefined;

  return (options, callback) => {
    const timer = setTimeout(() => socket?.destroy(new ConnectTimeoutError()), connect_timeout);
    const socket = connect(options, (...result) => {
      clearTimeout(timer);
      callback(...result);
    });
  };
}
