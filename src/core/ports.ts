// What the program takes from its host instead of from globals: time, identifiers, hashing, the log.

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start that never goes back: for durations and deadlines. */
  elapsed(): number;
}

export interface Ids {
  /** A fresh random UUID (RFC 9562, version 4). */
  uuid(): string;
  /** `length` bytes of cryptographic randomness. */
  random(length: number): Uint8Array;
}

/** SHA-256 of some bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/**
 * SHA-256 of a text in UTF-8, as 64 hexadecimal digits in lower case: what each call needs several of. On Node in one shot, from text
 * to text; WebCrypto's promise on Workers.
 */
export type HashText = (text: string) => string | Promise<string>;

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one structured line. Fields hold no secret, token, nonce, userid or body: the caller of log sees to that. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

export interface Bulkhead {
  /**
   * Asks for a place. Whoever gets one gives it back by `leave`.
   * @returns whether there is one: at once, or after a wait for one of those in use; false where there is no room to wait, and
   * where the wait is over
   */
  enter(): boolean | Promise<boolean>;
  leave(): void;
  /** How many places are in use, and how many wait for one. */
  state(): { inFlight: number; queued: number };
}

/**
 * @param limit places
 * @param queue how many may wait for one
 * @param wait milliseconds for which one may wait
 */
export type CreateBulkhead = (limit: number, queue: number, wait: number) => Bulkhead;
