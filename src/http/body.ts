// Reads the body of a call, up to a bound.

import { TokenProxyError } from "../errors.ts";

/** A call names a user, and at most relays a token or two. */
export const MAX_CALL_BYTES = 65_536;

/** @throws {TokenProxyError} call_too_large, as soon as that is known; call_invalid where the caller breaks off */
export async function readBody(request: Request): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > MAX_CALL_BYTES) throw tooLarge();
  try {
    // Fast path: both runtimes hold a body to its Content-Length, so an announced one needs no counting.
    if (announced !== null) return new Uint8Array(await request.arrayBuffer());
    return await readCounting(request.body);
  } catch (error) {
    if (error instanceof TokenProxyError) throw error;
    throw new TokenProxyError("call_invalid", "the body of the call broke off", { cause: error });
  }
}

async function readCounting(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > MAX_CALL_BYTES) {
      await reader.cancel();
      throw tooLarge();
    }
    chunks.push(value);
  }
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}

function tooLarge(): TokenProxyError {
  return new TokenProxyError("call_too_large", `the body of the call is larger than ${MAX_CALL_BYTES} bytes`);
}
