// A rate limiter in the memory of this process.

import type { CreateRateLimiter } from "../../core/inbound.ts";
import { nodeClock } from "../host.ts";

/** Beyond it, the oldest is forgotten. So many webNonces and as many addresses take 40 MiB. */
const MAX_KEYS = 100_000;

/** A key's window starts with its first request. */
export const createNodeRateLimiter: CreateRateLimiter = ({ limit, window }) => {
  /** The oldest first, so also in the order of their ends. */
  const windows = new Map<string, { count: number; end: number }>();

  return async (key) => {
    const now = nodeClock.elapsed();
    let current = windows.get(key);
    if (current === undefined || current.end <= now) {
      for (const [oldest, { end }] of windows) {
        if (end > now && windows.size < MAX_KEYS) break;
        windows.delete(oldest);
      }
      current = { count: 0, end: now + window };
      windows.set(key, current);
    }
    current.count += 1;
    return current.count > limit ? Math.ceil((current.end - now) / 1000) : undefined;
  };
};
