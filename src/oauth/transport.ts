// How the core sends a request to a provider: an interface that each runtime implements (platform/*/transport.ts).

export interface TransportRequest {
  method: "GET" | "POST";
  /** Absolute URL, sent as it stands. */
  url: string;
  headers: Readonly<Record<string, string>>;
  /** Text in UTF-8; absent on GET. */
  body?: string;
  /** Milliseconds for everything: connect, request, headers and body. When they are over the exchange is aborted. */
  timeout: number;
  /** Bytes of decoded body after which reading stops. */
  maxResponseBytes: number;
}

export interface TransportResponse {
  status: number;
  headers: { get(name: string): string | null };
  /** The body without any content coding, complete. */
  body: Uint8Array;
}

/**
 * Sends one request and reads its answer whole. Follows no redirect, retries nothing, keeps no cookie.
 * @throws {TransportError} where no complete answer came
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

export interface TransportSettings {
  /** Milliseconds in which the connection must stand, TLS included. Node only: Workers offer no such limit. */
  connect_timeout: number;
}

/** Makes the transport of one provider: each has connections of its own, so that a slow one cannot starve another. */
export type CreateTransport = (settings: TransportSettings) => Transport;

/**
 * `unreachable`: no answer began (refused, reset, TLS, name). `truncated`: it began and broke off. `malformed`: not HTTP,
 * or a content coding that cannot be undone.
 */
export type TransportFailure = "unreachable" | "timeout" | "truncated" | "too_large" | "malformed";

export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly failure: TransportFailure;

  constructor(failure: TransportFailure, cause?: unknown) {
    super(`exchange failed: ${failure}`, { cause });
    this.failure = failure;
  }
}
