// Looks at the clock of a provider while it answers, and warns where it is far from ours.

import type { Clock, Log } from "../core/ports.ts";
import type { Transport, TransportRequest, TransportResponse } from "../core/transport.ts";
import { NOTABLE_SKEW_SECONDS, SKEW_CURE, skewOfAnswer } from "./clock-skew.ts";

/** Clocks drift slowly: most answers are not looked at. */
const LOOK_EVERY_MS = 60_000;
const WARN_EVERY_MS = 3_600_000;

export interface ClockWatch {
  /** Looks at what comes back by a transport. */
  over(transport: Transport): Transport;
  /** Seconds by which the provider's clock is ahead of ours, as last seen. */
  skew(): number | undefined;
}

/** @param name of the provider in the file */
export function createClockWatch(name: string, { clock, log }: { clock: Clock; log: Log }): ClockWatch {
  let skew: number | undefined;
  let nextLook = 0;
  let nextWarning = 0;

  return {
    skew: () => skew,
    over: (transport) => (request) => (clock.elapsed() < nextLook ? transport(request) : look(transport, request)),
  };

  async function look(transport: Transport, request: TransportRequest): Promise<TransportResponse> {
    const sent = clock.now();
    const response = await transport(request);
    const seen = skewOfAnswer(response.headers, sent, clock.now());
    if (seen === undefined) return response;
    skew = seen;
    nextLook = clock.elapsed() + LOOK_EVERY_MS;
    if (Math.abs(seen) >= NOTABLE_SKEW_SECONDS && clock.elapsed() >= nextWarning) {
      nextWarning = clock.elapsed() + WARN_EVERY_MS;
      const which = seen > 0 ? "ahead of ours" : "behind ours";
      const seconds = Math.round(Math.abs(seen));
      log("warn", "the provider's clock differs", { provider: name, seconds, which, cure: SKEW_CURE });
    }
    return response;
  }
}
