// A transport on top of fetch: the global one, a Workers binding's, or a resource server's.

import { readUpTo } from "./read-stream.ts";
import {
  isBodyJudged,
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
} from "./transport.ts";

/** fetch has no connect timeout, and decodes content codings itself. */
export function createFetchTransport(send: typeof fetch): Transport {
  return async (request) => {
    const abort = new AbortController();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      abort.abort();
    }, request.timeout);
    try {
      return await exchange(send, request, abort.signal);
    } catch (error) {
      abort.abort(); // nobody wants the rest of the answer
      throw isLate ? new TransportError("timeout", error) : error;
    } finally {
      clearTimeout(timer);
    }
  };
}

/** @throws {TransportError} */
async function exchange(
  send: typeof fetch,
  { method, url, headers, body, maxResponseBytes }: TransportRequest,
  signal: AbortSignal,
): Promise<TransportResponse> {
  let hasAnswered = false;
  try {
    const response = await send(url, { method, headers, body: body ?? null, redirect: "manual", signal });
    hasAnswered = true;
    const { status, headers: received } = response;
    const length = Number(received.get("content-length") ?? Number.NaN);
    // An empty body with a content coding would count as broken off.
    if (!isBodyJudged(status) || length === 0) {
      await response.body?.cancel();
      return { status, headers: received, body: new Uint8Array() };
    }
    if (length > maxResponseBytes) throw new TransportError("too_large");
    const bytes = await readUpTo(response.body, maxResponseBytes);
    if (bytes === undefined) throw new TransportError("too_large");
    return { status, headers: received, body: bytes };
  } catch (error) {
    if (error instanceof TransportError) throw error;
    // fetch does not tell refused, reset and TLS failures apart.
    throw new TransportError(hasAnswered ? "truncated" : "unreachable", error);
  }
}
