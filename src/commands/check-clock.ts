// What `check` says about clocks: a JWT that this proxy dates into a provider's future, or past, is refused there.

import { clockSkew } from "../oauth/clock-skew.ts";
import { nodeClock } from "../platform/node/host.ts";
import { createNodeTransport } from "../platform/node/transport.ts";
import { line } from "./report.ts";

/** A Date has whole seconds, and providers allow for some; an assertion's life is a minute by default. */
const WARN_SECONDS = 5;

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
        // What a cache answers is of another time, and says so by an Age (RFC 9111 §5.1).
        if (response.headers.get("age") === null) {
          const date = response.headers.get("date") ?? undefined;
          // It was written at some time in between, so only what is outside of both is another clock.
          const ahead = clockSkew(date, nodeClock.now()) ?? 0;
          const behind = clockSkew(date, sent) ?? 0;
          skews.set(new URL(request.url).origin, ahead > 0 ? ahead : Math.min(behind, 0));
        }
        return response;
      };
    },
    warn() {
      for (const [origin, skew] of skews) {
        const seconds = Math.round(Math.abs(skew));
        if (seconds < WARN_SECONDS) continue;
        const cure = "set one of the two by NTP, or JWTs may be refused";
        line("warning", `the clock of ${origin} is ${seconds} s ${skew > 0 ? "ahead of" : "behind"} ours: ${cure}`);
      }
    },
  };
}
