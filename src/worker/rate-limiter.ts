// Rate limits by Cloudflare's rate limiting bindings, which count for all isolates of a location.

import type { CreateRateLimiter } from "../core/inbound.ts";
import type { Env } from "./host.ts";

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export function isRateLimitBinding(binding: unknown): binding is RateLimitBinding {
  return typeof (binding as Partial<RateLimitBinding> | undefined)?.limit === "function";
}

/** The binding has its own limit. It does not say how long to wait, so refusals name the window. */
export function createWorkerRateLimiters(env: Env): CreateRateLimiter {
  return ({ window, binding }) => {
    const limiter = env[binding] as RateLimitBinding; // checked by credentials.ts
    return async (key) => ((await limiter.limit({ key })).success ? undefined : Math.ceil(window / 1000));
  };
}
