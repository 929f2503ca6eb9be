// How the core sends a request to a provider or a nextAuth Server: an interface that each runtime implements (platform/*/transport.ts).

import type { Secret } from "./secret.ts";

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
  /** The body without any content coding, complete; empty where the status says it all (isBodyJudged). */
  body: Uint8Array;
}

/**
 * Sends one request and reads its answer whole. Follows no redirect, retries nothing, keeps no cookie.
 * @throws {TransportError} where no complete answer came
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

/**
 * Whether an answer is judged by its body too. Redirects, 429 and 5xx are told by their status alone, so a body of theirs that is
 * too large or cannot be decoded changes nothing, and is given as empty.
 */
export function isBodyJudged(status: number): boolean {
  return status < 300 || (status >= 400 && status < 500 && status !== 429);
}

export interface TransportSettings {
  /** Milliseconds in which the connection must stand, TLS included. Node only: Workers offer no such limit. */
  connect_timeout: number;
  /** How many there may be. Node only: Workers have limits of their own. */
  connections: number;
  tls?: TlsCredentials | undefined;
}

/** TLS beyond the runtime's own trust. On Node PEM; on Workers a binding, since a Worker holds no certificate itself. */
export interface TlsCredentials {
  /** The client certificate with its chain. */
  certificate?: Secret | undefined;
  private_key?: Secret | undefined;
  /** Trusted instead of the public authorities. */
  ca?: Secret | undefined;
  /** An `mtls_certificates` binding of wrangler.toml. */
  binding?: string | undefined;
}

/** Makes the transport of one provider: each has connections of its own, so that a slow one cannot starve another. */
export type CreateTransport = (settings: TransportSettings) => Transport;

/**
 * `unreachable`: no answer began (refused, reset, TLS, name). `connect_timeout`: no connection stood in its time. `truncated`: it began and broke off. `malformed`: not HTTP,
 * or a content coding that cannot be undone.
 */
export type TransportFailure = "unreachable" | "connect_timeout" | "timeout" | "truncated" | "too_large" | "malformed";

/**
 * What the other side can have seen of a request that failed. `none`: not a byte was sent. `stale`: it went out on a connection that had
 * carried answers before, and that closed without a byte of this one, as where the server had closed it already. `some`: any of it.
 */
export type Delivery = "none" | "stale" | "some";

export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly failure: TransportFailure;
  readonly delivery: Delivery;

  constructor(failure: TransportFailure, cause?: unknown, delivery: Delivery = "some") {
    super(`exchange failed: ${failure}`, { cause });
    this.failure = failure;
    this.delivery = delivery;
  }
}
