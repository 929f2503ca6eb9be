// The time of one call, which all its steps share, and whether its caller still waits.

import { PAUSE_MS, startDeadline } from "./deadline.ts";
import { TokenProxyError } from "./errors.ts";
import type { Recipient } from "./inbound.ts";
import type { Clock } from "./ports.ts";
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from "./transport.ts";

/** Milliseconds for a whole call, and their key in the file. */
export type TimeLimit = { key: string; ms: number };

export type CallTime = ReturnType<typeof startCallTime>;

/** A step is named by a phrase, for errors. */
export function startCallTime(limit: TimeLimit, recipient: Recipient | undefined, clock: Pick<Clock, "elapsed">) {
  const endsAt = clock.elapsed() + limit.ms;
  let current = "the proxy itself";

  /** @returns the milliseconds left for this step. Throws `ended`, and then it must not begin. */
  function begin(step: string): number {
    const left = endsAt - clock.elapsed();
    if (left <= 0 || recipient?.destroyed) throw ended(left < -PAUSE_MS);
    current = step;
    return left;
  }

  /** Sends a request that ends with the call's time at the latest, and when the caller hangs up. */
  async function send(step: string, transport: Transport, request: TransportRequest): Promise<TransportResponse> {
    const left = begin(step);
    const timeout = Math.min(left, request.timeout);
    try {
      return await transport({ ...request, timeout, recipient });
    } catch (error) {
      const failure = error instanceof TransportError ? error.failure : "none";
      // Not a fraction of a millisecond: then both limits were the provider's, as for a kept token.
      const isCallsLimit = left <= request.timeout - 1;
      const isCutOff = isCallsLimit && (failure === "timeout" || failure === "late");
      if (isCutOff || (failure !== "none" && recipient?.destroyed)) throw ended(failure === "late", step);
      throw error;
    }
  }

  /** Runs a step that may never end, or go on without this call; a later result is ignored. */
  async function within<T>(step: string, run: () => Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const stopDeadline = startDeadline(begin(step), clock.elapsed, (isLate) => reject(ended(isLate, step)));
    const onHangUp = () => reject(ended());
    recipient?.once("close", onHangUp);
    try {
      return await Promise.race([run(), promise]);
    } finally {
      stopDeadline();
      recipient?.off("close", onHangUp);
    }
  }

  /** @param isLate whether the time may only be over because this process was paused */
  function ended(isLate = false, step = current): TokenProxyError {
    if (recipient?.destroyed) return new TokenProxyError("caller_gone", "the caller hung up before its response");
    const message = `the call's time (${limit.key}, ${limit.ms / 1_000} s) was used up by ${step}`;
    return new TokenProxyError("call_deadline", message, { detail: isLate ? { late: "process paused" } : {} });
  }

  return { begin, send, within, ended };
}
