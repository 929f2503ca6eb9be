// What the runtime knows about a request beyond its own text.

import type { RateLimit } from "./schema.ts";

/** A certificate that the runtime has verified against the configured authorities. */
export interface ClientCertificate {
  /** SHA-256 of its DER, 64 hexadecimal digits in lower case. */
  sha256: string;
  /** DNS names of the subjectAltName in lower case; always empty on Workers. */
  dnsNames: readonly string[];
}

/** Where the response goes to: closed once it was sent or the caller has hung up. */
export interface Recipient {
  readonly destroyed: boolean;
  once(event: "close", listener: () => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** `env` is Hono's `c.env`. */
export interface Inbound {
  /**
   * The request's path as sent. Hono would decode it, and `/%67etToken` would be `/getToken` here
   * but another path to whatever guards paths in front of this proxy.
   */
  pathAsSent(request: Request, env: unknown): string;
  /** Undefined without a certificate, or if it is not verified. */
  clientCertificate(request: Request, env: unknown): ClientCertificate | undefined;
  /** Whether callers or client_ca have changed since the connection was accepted. */
  isOutdated(env: unknown): boolean;
  recipient(request: Request, env: unknown): Recipient | undefined;
  /** Calls `run` once the response was sent or cannot be; `delivered` as in CallReport. */
  afterResponse(request: Request, env: unknown, run: (delivered: boolean | undefined) => void): void;
  /** Whether the body is still arriving. False on Workers: see workerInbound. */
  awaitsBody(env: unknown): boolean;
  /** The client for rate limits: an IPv4 address, or the /64 of an IPv6 address. */
  clientAddress(request: Request, env: unknown): string;
}

/** Counts one request under a key. @returns seconds to wait if the limit is reached */
export type RateLimiter = (key: string) => Promise<number | undefined>;

export type CreateRateLimiter = (settings: RateLimit) => RateLimiter;
