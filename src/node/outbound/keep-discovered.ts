// Refreshes the metadata of every provider in the background, so that no call waits for discovery.

import { asCallError } from "../../core/errors.ts";
import type { Log } from "../../core/ports.ts";
import { type Discovery, METADATA_LIFETIME_MS } from "../../oauth/discovery.ts";
import { describeError } from "../../steps/log-call.ts";

/** Early enough to leave time for attempts that fail. */
const REFRESH_AFTER_MS = METADATA_LIFETIME_MS * 0.75;
const DISCOVERY_TIMEOUT_MS = 10_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;

/**
 * Retries a provider that is down with growing pauses; meanwhile the proxy runs without it.
 * @returns a function that stops the refreshing and its log lines
 */
export function keepDiscovered(
  providers: Iterable<{ name: string; discovery: Discovery | undefined }>,
  log: Log,
): () => void {
  const timers = new Map<string, NodeJS.Timeout>();
  let isStopped = false;

  const refresh = async (provider: string, discovery: Discovery, pause: number): Promise<void> => {
    let [wait, nextPause] = [REFRESH_AFTER_MS, FIRST_PAUSE_MS];
    try {
      const { token_endpoint } = await discovery.refresh(DISCOVERY_TIMEOUT_MS);
      if (!isStopped) log("info", "discovered", { provider, token_endpoint });
    } catch (error) {
      [wait, nextPause] = [pause, Math.min(pause * 2, MAX_PAUSE_MS)];
      if (!isStopped)
        log("warn", "discovery failed", { provider, ...describeError(asCallError(error)), next_try_ms: wait });
    }
    if (!isStopped) timers.set(provider, setTimeout(refresh, wait, provider, discovery, nextPause).unref());
  };

  for (const { name, discovery } of providers) {
    if (discovery !== undefined) void refresh(name, discovery, FIRST_PAUSE_MS);
  }
  return () => {
    isStopped = true;
    for (const timer of timers.values()) clearTimeout(timer);
  };
}
