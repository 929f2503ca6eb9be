// The transport on Workers: the global fetch, which is all there is.

import { type Transport, TransportError } from "../../oauth/transport.ts";

/**
 * Without connect_timeout, which Workers have no means for: `timeout` covers the connection too.
 * A content coding that came unasked is undone by the runtime.
 */
export const workerTransport: Transport = async ({ method, url, headers, body, timeout, maxResponseBytes }) => {
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(
    () => {
      late = true;
      abort.abort();
    },
    Math.max(timeout, 0),
  );
  let answered = false;
  try {
    const response = await fetch(url, {
      method,
      headers,
      body: body ?? null,
      redirect: "manual",
      signal: abort.signal,
    });
    answered = true;
    if (Number(response.headers.get("content-length")) > maxResponseBytes) throw new TransportError("too_large");
    const received = await readUpTo(response.body, maxResponseBytes);
    return { status: response.status, headers: response.headers, body: received };
  } catch (error) {
    abort.abort(); // whatever is still coming is not wanted any more
    if (late) throw new TransportError("timeout", error);
    if (error instanceof TransportError) throw error;
    // The runtime does not tell refused, reset and TLS failures apart; what counts is whether an answer had begun.
    throw new TransportError(answered ? "truncated" : "unreachable", error);
  } finally {
    clearTimeout(timer);
  }
};

async function readUpTo(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) throw new TransportError("too_large");
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  const body = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.length;
  }
  return body;
}
