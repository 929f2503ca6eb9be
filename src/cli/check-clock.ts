// What `check` says about clocks: a JWT that this proxy dates into a provider's future, or past, is refused there.

import { nodeClock } from "../node/host.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import { NOTABLE_SKEW_SECONDS, SKEW_CURE, skewOfAnswer } from "../oauth/clock-skew.ts";
import { line } from "./report.ts";

export interface ClockWatch {
  createTransport: typeof createNodeTransport;
  /** One line for each server whose clock is far from ours. */
  warn(): void;
}

/** Looks at the Date of every answer on its way. */
export function watchClocks(): ClockWatch {
  const skews = new Map<string, number>();
  return {
    createTransport(settings) {
      const transport = createNodeTransport(settings);
      return async (request) => {
        const sent = nodeClock.now();
        const response = await transport(request);
        const skew = skewOfAnswer(response.headers, sent, nodeClock.now());
        if (skew !== undefined) skews.set(new URL(request.url).origin, skew);
        return response;
      };
    },
    warn() {
      for (const [origin, skew] of skews) {
        const seconds = Math.round(Math.abs(skew));
        if (seconds < NOTABLE_SKEW_SECONDS) continue;
        line(
          "warning",
          `the clock of ${origin} is ${seconds} s ${skew > 0 ? "ahead of" : "behind"} ours: ${SKEW_CURE}`,
        );
      }
    },
  };
}
