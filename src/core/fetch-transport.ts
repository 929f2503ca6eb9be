// A transport on top of fetch: the global one, a Workers binding's, or a resource server's.

import { startDeadline } from "./deadline.ts";
import type { Clock } from "./ports.ts";
import { isBodyJudged, readUpTo, type Transport, TransportError, type TransportFailure } from "./transport.ts";

/** fetch has no connect timeout, and decodes content codings itself. */
export function createFetchTransport(send: typeof fetch, elapsed: Clock["elapsed"]): Transport {
  return async ({ method, url, headers, body = null, timeout, maxResponseBytes, recipient }) => {
    const abort = new AbortController();
    const end = (failure: TransportFailure) => abort.abort(new TransportError(failure));
    const stopDeadline = startDeadline(timeout, elapsed, (isLate) => end(isLate ? "late" : "timeout"));
    const onHangUp = () => end("unreachable");
    recipient?.once("close", onHangUp);
    let response: Response | undefined;
    try {
      response = await send(url, { method, headers, body, redirect: "manual", signal: abort.signal });
      const { status, headers: received } = response;
      const length = Number(received.get("content-length") ?? Number.NaN);
      // Decoding an empty body would fail, as if the answer had broken off.
      if (length === 0 || (status >= 300 && status < 400)) {
        await response.body?.cancel();
        return { status, headers: received, body: new Uint8Array() };
      }
      if (length > maxResponseBytes) throw new TransportError("too_large");
      // A reliable length saves counting, which costs a Worker 8 % of a call's CPU.
      const bytes = isReliable(received)
        ? new Uint8Array(await response.arrayBuffer())
        : await readUpTo(response.body, maxResponseBytes);
      if (bytes === undefined || bytes.length > maxResponseBytes) throw new TransportError("too_large");
      return { status, headers: received, body: bytes };
    } catch (error) {
      if (abort.signal.aborted) throw abort.signal.reason;
      abort.abort(); // stops the rest of the answer
      if (response !== undefined && !isBodyJudged(response.status)) {
        return { status: response.status, headers: response.headers, body: new Uint8Array() };
      }
      if (error instanceof TransportError) throw error;
      // fetch does not tell refused, reset and TLS failures apart.
      throw new TransportError(response === undefined ? "unreachable" : "truncated", error);
    } finally {
      stopDeadline();
      recipient?.off("close", onHangUp);
    }
  };
}

/** A coding changes the length, and a transfer coding outranks it (RFC 9112 section 6.3). */
function isReliable(headers: Headers): boolean {
  const isLength = /^\d+$/.test(headers.get("content-length") ?? "");
  return isLength && !headers.has("content-encoding") && !headers.has("transfer-encoding");
}
