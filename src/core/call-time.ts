// The time of one call, which all its steps share, and whether its caller still waits.

import { PAUSE_MS } from "./deadline.ts";
import { TokenProxyError } from "./errors.ts";
import type { Recipient } from "./inbound.ts";
import type { Clock } from "./ports.ts";
import { type Transport, TransportError, type TransportRequest, type TransportResponse } from "./transport.ts";

/** Milliseconds for a whole call, and their key in the file. */
export interface TimeLimit {
  key: "get_token.timeout" | "webnonce_exchange.timeout";
  ms: number;
}

/** Starts with its construction. A step is named by a phrase for error messages. */
export class CallTime {
  readonly #limit: TimeLimit;
  readonly #recipient: Recipient | undefined;
  readonly #clock: Pick<Clock, "elapsed">;
  readonly #endsAt: number;
  /** The last step that began. */
  #step = "the proxy itself";

  constructor(limit: TimeLimit, recipient: Recipient | undefined, clock: Pick<Clock, "elapsed">) {
    this.#limit = limit;
    this.#recipient = recipient;
    this.#clock = clock;
    this.#endsAt = clock.elapsed() + limit.ms;
  }

  /**
   * @returns the milliseconds that are left for this step
   * @throws {TokenProxyError} call_deadline or caller_gone, and then the step must not begin
   */
  begin(step: string): number {
    if (this.#recipient?.destroyed === true) throw callerGone();
    const left = this.#endsAt - this.#clock.elapsed();
    if (left <= 0) throw this.usedUp(this.#step, left < -PAUSE_MS ? PAUSED : {});
    this.#step = step;
    return left;
  }

  /** The error for a step that took all the time that was left, by default the last one. */
  usedUp(step = this.#step, detail: TokenProxyError["detail"] = {}): TokenProxyError {
    const { key, ms } = this.#limit;
    const message = `the call's time (${key}, ${ms / 1_000} s) was used up by ${step}`;
    return new TokenProxyError("call_deadline", message, { detail });
  }

  /** Sends a request that ends with the call's time at the latest, and when the caller hangs up. */
  async send(transport: Transport, request: TransportRequest, step: string): Promise<TransportResponse> {
    const left = this.begin(step);
    const { timeout } = request;
    try {
      return await transport({ ...request, timeout: Math.min(timeout, left), recipient: this.#recipient });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (this.#recipient?.destroyed === true) throw callerGone();
      if (left >= timeout || (error.failure !== "timeout" && error.failure !== "late")) throw error;
      throw this.usedUp(step, error.failure === "late" ? PAUSED : {});
    }
  }
}

/** A fact for the log: the deadline may have passed only because this process was stopped. */
const PAUSED = { late: "process paused" };

/** Nobody gets it as a response; the log and the metrics do. */
function callerGone(): TokenProxyError {
  return new TokenProxyError("caller_gone", "the caller hung up before it got a response");
}
