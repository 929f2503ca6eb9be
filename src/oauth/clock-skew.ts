// Compares a provider's clock with ours: providers refuse a JWT whose iat is in their future.

import type { Clock, Log } from "../core/ports.ts";
import type { Transport, TransportRequest, TransportResponse } from "../core/transport.ts";

/** A JWT lives for a minute by default, so a few seconds do not matter. */
export const NOTABLE_SKEW_SECONDS = 5;
const SKEW_CURE = "synchronise both clocks with NTP, or the provider may refuse our JWTs";

const WARN_EVERY_MS = 3_600_000;

export function createClockWatch(name: string, { clock, log }: { clock: Clock; log: Log }) {
  let skew: number | undefined;
  let nextWarning = 0;

  return {
    /** Seconds by which the provider's clock is ahead of ours, as last seen. */
    skew: () => skew,
    /** Wraps a transport to read the Date of its answers. */
    over: (transport: Transport) => async (request: TransportRequest) => {
      const sent = clock.now();
      const response = await transport(request);
      const seen = skewOfAnswer(response.headers, sent, clock.now());
      if (seen === undefined) return response;
      skew = seen;
      if (Math.abs(seen) >= NOTABLE_SKEW_SECONDS && clock.elapsed() >= nextWarning) {
        nextWarning = clock.elapsed() + WARN_EVERY_MS;
        const which = seen > 0 ? "ahead of ours" : "behind ours";
        const seconds = Math.round(Math.abs(seen));
        log("warn", "the provider's clock differs", { provider: name, seconds, which, cure: SKEW_CURE });
      }
      return response;
    },
  };
}

/**
 * The answer was dated between `sent` and `received`, so only a Date outside of both is a skew.
 * @param sent and `received`: milliseconds since the epoch
 * @returns seconds, positive if the other clock is ahead, 0 if they may agree; undefined if unknown
 */
export function skewOfAnswer(headers: TransportResponse["headers"], sent: number, received: number) {
  // The Date of a cached answer is old (RFC 9111 section 5.1).
  const time = headers.get("age") === null ? Date.parse(headers.get("date") ?? "") : Number.NaN;
  if (Number.isNaN(time)) return undefined;
  return (time > received ? time - received : Math.min(time - sent, 0)) / 1_000;
}
