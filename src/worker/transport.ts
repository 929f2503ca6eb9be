// The transport on Workers: the global fetch, or that of a binding with a client certificate.

import { createFetchTransport } from "../core/fetch-transport.ts";
import type { CreateTransport } from "../core/transport.ts";
import type { Env } from "./host.ts";

export function createWorkerTransports(env: Env): CreateTransport {
  return ({ tls }) =>
    createFetchTransport(tls?.binding === undefined ? fetch : (fetcherOf(env, tls.binding) as typeof fetch));
}

/** @returns the fetch of an `mtls_certificates` binding; undefined if it is something else */
export function fetcherOf(env: Env, binding: string): typeof fetch | undefined {
  const fetcher = env[binding] as { fetch?: typeof fetch } | undefined;
  if (typeof fetcher?.fetch !== "function") return undefined;
  return (input, init) => (fetcher.fetch as typeof fetch)(input, init);
}
