// Reads the body of a call, up to a bound.

import { TokenProxyError } from "../core/errors.ts";
import { readUpTo } from "../core/read-stream.ts";

/** A call names a user, and at most relays a token or two. */
export const MAX_CALL_BYTES = 65_536;

/** @throws {TokenProxyError} call_too_large, as soon as that is known; call_invalid where the caller breaks off */
export async function readBody(request: Request): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > MAX_CALL_BYTES) throw tooLarge();
  try {
    // Fast path: both runtimes hold a body to its Content-Length, so an announced one needs no counting.
    if (announced !== null) return new Uint8Array(await request.arrayBuffer());
    const body = await readUpTo(request.body, MAX_CALL_BYTES);
    if (body !== undefined) return body;
    void discard(request.body);
    throw tooLarge();
  } catch (error) {
    if (error instanceof TokenProxyError) throw error;
    throw new TokenProxyError("call_invalid", "the body of the call broke off", { cause: error });
  }
}

/**
 * Reads the rest into nothing, so that the caller gets its answer on a connection that still works. How long that may take is
 * bounded by the listener's limit for a whole request.
 */
async function discard(stream: ReadableStream<Uint8Array> | null): Promise<void> {
  try {
    for await (const _ of stream ?? []);
  } catch {
    // the caller broke off, or the runtime did: either way nothing is left to read
  }
}

function tooLarge(): TokenProxyError {
  return new TokenProxyError("call_too_large", `the body of the call is larger than ${MAX_CALL_BYTES} bytes`);
}
