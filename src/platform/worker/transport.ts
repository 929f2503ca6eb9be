// The transport on Workers: the global fetch, or that of a binding which presents a client certificate.

import { exchange } from "../../fetch-transport.ts";
import { type CreateTransport, type Transport, TransportError } from "../../transport.ts";
import type { Env } from "./host.ts";

export function createWorkerTransports(env: Env): CreateTransport {
  return ({ tls }) =>
    createTransport(tls?.binding === undefined ? fetch : (fetcherOf(env, tls.binding) as typeof fetch));
}

/**
 * Without a signal, which costs 5 % of a call's CPU in workerd: what is open when the time is over is cut off by the runtime when the
 * call is answered, since nothing outlives a call here; and a call whose time is over is answered at once.
 */
function createTransport(send: typeof fetch): Transport {
  return (request) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new TransportError("timeout")), request.timeout);
      exchange(send, request).then(
        (response) => {
          clearTimeout(timer);
          resolve(response);
        },
        (error) => {
          clearTimeout(timer);
          reject(error);
        },
      );
    });
}

/** @returns the fetch of an `mtls_certificates` binding, which presents the certificate */
export function fetcherOf(env: Env, binding: string): typeof fetch | undefined {
  const fetcher = env[binding] as { fetch?: typeof fetch } | undefined;
  return typeof fetcher?.fetch === "function"
    ? (input, init) => (fetcher.fetch as typeof fetch)(input, init)
    : undefined;
}
