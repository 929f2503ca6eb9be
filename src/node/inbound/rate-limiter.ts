// A rate limiter in the memory of this process.

import type { CreateRateLimiter } from "../../core/inbound.ts";
import { nodeClock } from "../host.ts";

/** Beyond it, the oldest is forgotten. So many webNonces and as many addresses take 40 MiB. */
const MAX_KEYS = 100_000;

/** A key's window starts with its first request. */
export const createNodeRateLimiter: CreateRateLimiter = ({ limit, window }) => {
  /** The oldest first, so also in the order of their ends. */
  const windows = new Map<string, { count: number; end: number }>();

  function startWindow(key: string, now: number) {
    for (const [oldest, { end }] of windows) {
      if (end > now && windows.size < MAX_KEYS) break;
      windows.delete(oldest);
    }
    const started = { count: 0, end: now + window };
    windows.set(key, started);
    return started;
  }

  return async (key) => {
    const now = nodeClock.elapsed();
    const known = windows.get(key);
    const current = known !== undefined && known.end > now ? known : startWindow(key, now);
    current.count += 1;
    return current.count > limit ? Math.ceil((current.end - now) / 1000) : undefined;
  };
};
