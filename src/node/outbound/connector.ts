// Connects to a provider within an exact time: undici's own limit is kept by timers that may be a second late.

import { buildConnector } from "undici";
import type { TransportSettings } from "../../core/transport.ts";

/** A connection did not stand in time. */
export class ConnectTimeoutError extends Error {
  override readonly name = "ConnectTimeoutError";
  readonly code = "CONNECT_TIMEOUT";
}

/** @returns what undici's Agent takes as `connect`; the limit covers name, TCP and TLS */
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
