// Keeps the metadata of every provider fresh in the background, so that no call waits for discovery.

import { TokenProxyError } from "../../core/errors.ts";
import type { Log } from "../../core/ports.ts";
import { type Discovery, METADATA_LIFETIME_MS } from "../../oauth/discovery.ts";

/** Refreshed well before it runs out, so that there is time for tries that fail. */
const REFRESH_AFTER_MS = METADATA_LIFETIME_MS * 0.75;
const LOOK_UP_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

/**
 * A provider that is down does not stop the start: it is asked again, less and less often, until it answers.
 * @returns a function that stops it; what is still being looked up then is not told, since another configuration may have come
 */
export function keepDiscovered(
  providers: Iterable<{ name: string; discovery: Discovery | undefined }>,
  log: Log,
): () => void {
  const timers = new Map<string, NodeJS.Timeout>();
  let stopped = false;

  const look = async (name: string, discovery: Discovery, pause: number): Promise<void> => {
    let wait = REFRESH_AFTER_MS;
    let nextPause = FIRST_PAUSE_MS;
    try {
      const { token_endpoint } = await discovery.refresh(LOOK_UP_TIMEOUT_MS);
      if (stopped) return;
      log("info", "discovered", { provider: name, token_endpoint });
    } catch (error) {
      if (stopped) return;
      wait = pause;
      nextPause = Math.min(pause * 2, MAX_PAUSE_MS);
      log("warn", "discovery failed", { provider: name, ...describe(error), next_try_ms: wait });
    }
    const timer = setTimeout(() => void look(name, discovery, nextPause), wait);
    timer.unref();
    timers.set(name, timer);
  };

  for (const { name, discovery } of providers) {
    if (discovery !== undefined) void look(name, discovery, FIRST_PAUSE_MS);
  }
  return () => {
    stopped = true;
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

/** What may be written down of a failure: our own words, and the system's code for its cause, as ENOTFOUND. */
function describe(error: unknown): { error_code: string; reason?: string; cause?: string } {
  if (!(error instanceof TokenProxyError)) return { error_code: "internal" };
  const { code } = (error.cause ?? {}) as { code?: unknown };
  return { error_code: error.code, reason: error.message, ...(typeof code === "string" ? { cause: code } : {}) };
}
