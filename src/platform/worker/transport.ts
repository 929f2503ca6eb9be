// The transport on Workers: the global fetch, or that of a binding which presents a client certificate.

import { readUpTo } from "../../read-stream.ts";
import {
  type CreateTransport,
  isBodyJudged,
  TransportError,
  type TransportRequest,
  type TransportResponse,
} from "../../transport.ts";
import type { Env } from "./host.ts";

/**
 * Without connect_timeout, which Workers have no means for: `timeout` covers the connection too.
 * A content coding that came unasked is undone by the runtime.
 */
export function createWorkerTransports(env: Env): CreateTransport {
  return ({ tls }) => {
    const send = tls?.binding === undefined ? fetch : (fetcherOf(env, tls.binding) as typeof fetch);
    return (request) => exchange(send, request);
  };
}

/** @returns the fetch of an `mtls_certificates` binding, which presents the certificate */
export function fetcherOf(env: Env, binding: string): typeof fetch | undefined {
  const fetcher = env[binding] as { fetch?: typeof fetch } | undefined;
  return typeof fetcher?.fetch === "function"
    ? (input, init) => (fetcher.fetch as typeof fetch)(input, init)
    : undefined;
}

async function exchange(
  send: typeof fetch,
  { method, url, headers, body, timeout, maxResponseBytes }: TransportRequest,
): Promise<TransportResponse> {
  const abort = new AbortController();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort.abort();
  }, timeout);
  let answered = false;
  try {
    const response = await send(url, {
      method,
      headers,
      body: body ?? null,
      redirect: "manual",
      signal: abort.signal,
    });
    answered = true;
    const length = Number(response.headers.get("content-length") ?? Number.NaN);
    // The runtime takes an empty body for one that broke off, where a content coding is announced.
    if (!isBodyJudged(response.status) || length === 0) {
      await response.body?.cancel();
      return { status: response.status, headers: response.headers, body: new Uint8Array() };
    }
    if (length > maxResponseBytes) throw new TransportError("too_large");
    const received = await readUpTo(response.body, maxResponseBytes);
    if (received === undefined) throw new TransportError("too_large");
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
}
