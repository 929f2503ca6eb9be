// How the core sends a request to a provider or a nextAuth Server. Each runtime implements it.

import type { Recipient } from "./inbound.ts";
import type { ConnectionSettings } from "./schema.ts";
import type { Secret } from "./secret.ts";

export interface TransportRequest {
  method: "GET" | "POST";
  /** Absolute URL, sent unchanged. */
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string;
  /** Milliseconds for connection, request, headers and body. Afterwards the request is aborted. */
  timeout: number;
  /** Reading stops after this many decoded bytes. */
  maxResponseBytes: number;
  /** Once it is closed, nobody needs the answer: the request is aborted, as `unreachable`. */
  recipient?: Recipient | undefined;
}

export interface TransportResponse {
  status: number;
  headers: { get(name: string): string | null };
  /** The complete body without content codings; empty if it is unreadable (isBodyJudged). */
  body: Uint8Array;
  /** Undefined on Workers, which do not show it. */
  connection?: Connection | undefined;
}

/** The connection that an answer came on. */
export interface Connection {
  /** An answer on it was wrong or broken, so earlier ones may belong to other requests. */
  readonly isTroubled: boolean;
  /** For an answer that cannot be right: no further request uses the connection. */
  close(): void;
}

/**
 * Reads the whole answer. Follows no redirect, repeats nothing, keeps no cookie.
 * @throws {TransportError} without a complete answer
 */
export type Transport = (request: TransportRequest) => Promise<TransportResponse>;

/** Redirects, 429 and 5xx may be judged by status, if their body is too large or undecodable. */
export function isBodyJudged(status: number): boolean {
  return status < 300 || (status >= 400 && status < 500 && status !== 429);
}

export interface TransportSettings extends Omit<ConnectionSettings, "proxy"> {
  /** The server's key in the file, for hosts that tell their transports apart. */
  key?: string;
  /** At most. Node only, like all of ConnectionSettings. */
  connections: number;
  tls?: TlsCredentials | undefined;
  proxyFor?: ProxyFor | undefined;
}

/** Node only. The URL has no user name; `authorization` is `user:password`. */
export type EgressProxy = { url: string; authorization?: Secret | undefined };
/** @returns undefined for a direct connection */
export type ProxyFor = (url: URL) => EgressProxy | undefined;

/** TLS beyond the runtime's defaults: PEM on Node, a binding on Workers. */
export interface TlsCredentials {
  certificate?: Secret | undefined;
  private_key?: Secret | undefined;
  /** Trusted instead of the public authorities. */
  ca?: Secret | undefined;
  /** An `mtls_certificates` binding of wrangler.toml. */
  binding?: string | undefined;
}

/** Each provider gets its own connections, so that a slow one cannot starve another. */
export type CreateTransport = (settings: TransportSettings) => Transport;

/** Phrases that follow the server's name. `unreachable`: no answer began (TLS and DNS included). */
export const TRANSPORT_FAILURES = {
  unreachable: "cannot be reached",
  /** Its answer is 4xx. */
  proxy_refused: "was not reached: the egress proxy refuses; allow its host there, or check proxy",
  connect_timeout: "did not accept a connection in time",
  timeout: "did not answer in time",
  late: "could not answer in time, because this proxy was paused",
  truncated: "closed the connection in the middle of its answer",
  too_large: "sent an answer that is too large",
  /** Or in an unknown content coding. */
  malformed: "sent an answer that is not valid HTTP",
} as const;

export type TransportFailure = keyof typeof TRANSPORT_FAILURES;

/**
 * What the server may have seen of a failed request. `none`: no byte was sent. `stale`: probably
 * nothing, because a reused connection closed at once, without a byte of an answer. `some`: part of
 * it or all.
 */
export type Delivery = "none" | "stale" | "some";

export class TransportError extends Error {
  override readonly name = "TransportError";
  readonly failure: TransportFailure;
  readonly delivery: Delivery;

  constructor(failure: TransportFailure, cause?: unknown, delivery: Delivery = "some") {
    super(`request failed: ${failure}`, { cause });
    this.failure = failure;
    this.delivery = delivery;
  }
}

/**
 * @param send builds a new request within the same deadline; signatures and `jti` are new, because
 * a reused assertion looks like a replay (RFC 7523 section 3)
 * @param isHarmless whether a second request does no harm if the server saw this much of the first
 */
export async function withOneRetry<T>(send: () => Promise<T>, isHarmless: (delivery: Delivery) => boolean): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const mayRepeat = error instanceof TransportError && error.failure === "unreachable" && isHarmless(error.delivery);
    if (!mayRepeat) throw error;
    return send();
  }
}

/** @returns all bytes, or undefined if there are more than `limit`; the rest stays unread */
export async function readUpTo(stream: ReadableStream<Uint8Array> | null, limit: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream?.values({ preventCancel: true }) ?? []) {
    length += chunk.length;
    if (length > limit) return undefined;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
