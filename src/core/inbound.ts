// How a request came in, beyond what it says: what the host knows of its path and of the connection.

/** A certificate that the host has verified against the authorities that it was given. */
export interface ClientCertificate {
  /** SHA-256 of its DER, 64 hexadecimal digits in lower case. */
  sha256: string;
  /** The DNS names of its subjectAltName, in lower case; none on Workers, which are not told. */
  dnsNames: readonly string[];
}

/** The connection of a caller. */
export interface Recipient {
  readonly destroyed: boolean;
}

/** Each function is given the request and what Hono calls its env. */
export interface Inbound {
  /**
   * The request's path as the caller sent it. Hono's own way decodes it, and then `/%67etToken` would be `/getToken` here and
   * something else to whatever guards paths in front of this proxy.
   */
  pathAsSent(request: Request, env: unknown): string;
  /** Undefined without one, or with one that is not verified. */
  clientCertificate(request: Request, env: unknown): ClientCertificate | undefined;
  /** The connection that the answer goes to: destroyed once the caller has gone. Undefined where the host does not tell. */
  recipient(env: unknown): Recipient | undefined;
  /** Who is at the other end, for limits: an IPv4 address, or the /64 of an IPv6 address. */
  clientAddress(request: Request, env: unknown): string;
}

/** Counts one more under a key. @returns the seconds to wait where the limit is reached, else undefined */
export type RateLimiter = (key: string) => Promise<number | undefined>;

export interface RateLimit {
  limit: number;
  /** Milliseconds. */
  window: number;
  /** On Workers the rate limiting binding that counts; it has a limit of its own. */
  binding: string;
}

export type CreateRateLimiter = (settings: RateLimit) => RateLimiter;
