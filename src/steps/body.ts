// Reads the body of a call, within limits of size and time, and limits unfinished bodies.

import { inTime } from "../core/deadline.ts";
import { TokenProxyError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import type { Runtime } from "../core/ports.ts";
import { readUpTo } from "../core/transport.ts";
import type { CallContext } from "./context.ts";

/** A call names a user, and at most carries a token or two. */
export const MAX_CALL_BYTES = 65_536;

/** A body usually comes with its headers; a lost packet delays it by some 100 milliseconds. */
const BODY_TIMEOUT_MS = 2_000;
/** Of getToken, and of the exchange. With 64 KiB each, together they take 128 MiB at most. */
const MAX_UNFINISHED_BODIES = 1_024;
/** By the default of the rate limit, 300 a minute, ten can be unfinished all the time. */
export const MAX_UNFINISHED_PER_ADDRESS = 32;

export type ReadBody = (c: CallContext) => Promise<string>;

/**
 * Each reader has its own limit, so that nobody can hinder getToken at the exchange.
 * @param maxPerAddress the limit of unfinished bodies of one client address, asked first
 */
export function createBodyReader(
  { inbound, clock }: Pick<Runtime, "inbound" | "clock">,
  maxPerAddress = MAX_UNFINISHED_BODIES,
): ReadBody {
  /** The client addresses of unfinished bodies. */
  const unfinished: string[] = [];
  return async ({ req: { raw }, env }) => {
    const read = () => inTime(readText(raw), BODY_TIMEOUT_MS, clock.elapsed, tooLate);
    if (!inbound.awaitsBody(env)) return read();
    const address = inbound.clientAddress(raw, env);
    if (unfinished.filter((one) => one === address).length >= maxPerAddress)
      throw tooMany("requests from this address");
    if (unfinished.length >= MAX_UNFINISHED_BODIES) throw tooMany("requests");
    unfinished.push(address);
    try {
      return await read();
    } finally {
      unfinished.splice(unfinished.indexOf(address), 1);
    }
  };
}

/** Such a body is left unread: Node closes its connection soon after the response. */
function tooLate(): TokenProxyError {
  const message = `the call's body was not complete within ${BODY_TIMEOUT_MS / 1_000} s`;
  return new TokenProxyError("call_timeout", message);
}

function tooMany(what: string): TokenProxyError {
  const retryAfter = BODY_TIMEOUT_MS / 1_000;
  const message = `too many ${what} have an unfinished body: try again in ${retryAfter} s`;
  return new TokenProxyError("rate_limited", message, { retryAfter });
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws {TokenProxyError} call_too_large as soon as that is known; call_invalid */
export async function readText(request: Request): Promise<string> {
  const bytes = await readBytes(request);
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("the call's body is not UTF-8");
  }
}

/** For requests that must be forms. Throws call_invalid, and what `read` throws. */
export async function readForm(request: Request, read: () => Promise<string>): Promise<URLSearchParams> {
  if (mediaType(request) !== FORM_CONTENT_TYPE) throw invalid(`the call's Content-Type must be ${FORM_CONTENT_TYPE}`);
  return parseParameters(await read());
}

export function mediaType(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** URLSearchParams replaces invalid UTF-8 and keeps broken escapes: two users could become one. */
export function parseParameters(text: string): URLSearchParams {
  decode(text, "a parameter of the call");
  return new URLSearchParams(text);
}

export function decode(text: string, place: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`${place} has a broken percent-encoding`);
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > MAX_CALL_BYTES) throw tooLarge();
  let bytes: Uint8Array | undefined;
  try {
    // Both runtimes enforce Content-Length, so such a body needs no counting.
    if (announced !== null) return new Uint8Array(await request.arrayBuffer());
    bytes = await readUpTo(request.body, MAX_CALL_BYTES);
  } catch (cause) {
    throw new TokenProxyError("call_invalid", "the call's body is incomplete: the connection was closed", { cause });
  }
  if (bytes !== undefined) return bytes;
  // The caller must send the rest before it gets its response. The listener limits how long.
  request.body?.pipeTo(new WritableStream()).catch(() => {});
  throw tooLarge();
}

function tooLarge(): TokenProxyError {
  return new TokenProxyError("call_too_large", `the call's body is larger than ${MAX_CALL_BYTES} bytes`);
}

export function invalid(message: string): TokenProxyError {
  return new TokenProxyError("call_invalid", message);
}
