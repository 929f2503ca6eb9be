// Counts requests with Cloudflare's rate limiting bindings, which count for all isolates of one location.

import type { CreateRateLimiter } from "../core/inbound.ts";
import type { Env } from "./host.ts";

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export function isRateLimitBinding(binding: unknown): binding is RateLimitBinding {
  return typeof (binding as Partial<RateLimitBinding> | undefined)?.limit === "function";
}

/** The limit is the binding's own; how long to wait it does not say, so that is the window of the file. */
export function createWorkerRateLimiters(env: Env): CreateRateLimiter {
  return ({ window, binding }) => {
    const limiter = env[binding] as RateLimitBinding; // credentials.ts has seen to it
    return async (key) => ((await limiter.limit({ key })).success ? undefined : Math.ceil(window / 1000));
  };
}
