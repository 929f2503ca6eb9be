// Fakes of what a runtime provides: a clock that a test moves, counted ids, a provider in memory.

import { createHash } from "node:crypto";
import { type CredentialHost, SecretError } from "../../src/config/credentials.ts";
import type { Clock, HashText, Ids, Log, LogFields, LogLevel, Sha256 } from "../../src/core/ports.ts";
import { type CallFacts, createTracer, type Trace } from "../../src/core/trace.ts";
import type { CreateTransport, TransportRequest, TransportResponse } from "../../src/core/transport.ts";

export const NOW = Date.parse("2026-11-23T12:00:00Z");

/** For programs whose spans and reports no test looks at. */
export const UNOBSERVED = { tracer: createTracer(), onReport: () => {} };

export interface FakeClock extends Clock {
  /** @param ms milliseconds that pass */
  advance(ms: number): void;
}

export function fakeClock(): FakeClock {
  let passed = 0;
  return {
    now: () => NOW + passed,
    elapsed: () => passed,
    advance(ms) {
      passed += ms;
    },
  };
}

/** Runs each step. @param facts collects what the steps note */
export function fakeTrace(facts: CallFacts = {}): Trace {
  return {
    step: async (_step, run) => run({}),
    note: (found) => void Object.assign(facts, found),
  };
}

/** uuid-1, uuid-2 and so on; randomness that is always the same. */
export function fakeIds(): Ids {
  let count = 0;
  return {
    uuid() {
      count += 1;
      return `uuid-${count}`;
    },
    random: (length) => new Uint8Array(length).fill(7),
  };
}

export const sha256: Sha256 = (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** As on Workers, where hashing gives a promise. */
export const asyncSha256: Sha256 = async (bytes) => sha256(bytes);

export const hashText: HashText = (text) => createHash("sha256").update(text).digest("hex");

/** As on Workers, where hashing gives a promise. */
export const asyncHashText: HashText = async (text) => hashText(text);

/** @param body text, bytes, or a value to serialise */
export function response(status: number, body: unknown, headers: Record<string, string> = {}): TransportResponse {
  const bytes =
    body instanceof Uint8Array
      ? body
      : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
  return { status, headers: new Headers(headers), body: bytes };
}

export function fakeConnection(): { isTroubled: boolean; close(): void } {
  return {
    isTroubled: false,
    close() {
      this.isTroubled = true;
    },
  };
}

export interface FakeProvider {
  createTransport: CreateTransport;
  requests: TransportRequest[];
  /** What every request is answered with from now on; throws where the exchange is to fail. */
  answer: (request: TransportRequest) => TransportResponse | Promise<TransportResponse>;
}

export function fakeProvider(answer: FakeProvider["answer"]): FakeProvider {
  const provider: FakeProvider = {
    answer,
    requests: [],
    createTransport: () => async (request) => {
      provider.requests.push(request);
      return provider.answer(request);
    },
  };
  return provider;
}

/** Secrets from a record, `file:PATH` for one in a file; certificates are all in order. */
export function fakeCredentialHost(
  secrets: Readonly<Record<string, string>>,
  changes: Partial<CredentialHost> = {},
): CredentialHost {
  return {
    read(reference) {
      const name = "env" in reference ? reference.env : `file:${reference.file}`;
      const text = secrets[name];
      if (text === undefined) throw new SecretError(`names ${name}, which is not set`);
      return text;
    },
    readFile: async (file) =>
      secrets[`file:${file}`] ?? Promise.reject(new SecretError(`names ${file}, which is gone`)),
    signers: [],
    sha256,
    createJwsSigner: undefined,
    listens: true,
    resolvePath: (file) => file,
    connectionFault: undefined,
    environmentProxy: async () => undefined,
    pinFault: () => undefined,
    rateLimitFault: () => undefined,
    tlsFault: () => undefined,
    certificateFault: () => undefined,
    ...changes,
  };
}

export interface LogLine {
  level: LogLevel;
  event: string;
  fields: LogFields;
}

/** A log whose lines a test can look at. */
export function fakeLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { lines, log: (level, event, fields = {}) => lines.push({ level, event, fields }) };
}

/** Gives back what was thrown, so that a test can look at all of it; fails where nothing was. */
export async function thrownBy(run: () => unknown): Promise<unknown> {
  try {
    await run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** A JWT that nobody has signed, although it has a third part. */
export function unsignedJwt(claims: unknown, header: unknown = { alg: "ES256" }): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part(header)}.${part(claims)}.c2lnbmF0dXJl`;
}
