// A rate limiter in the memory of this process.

import { hash, randomBytes } from "node:crypto";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { CreateRateLimiter } from "../../core/inbound.ts";

/** Keys share 2^18 counters, so memory is limited to some 60 MB. The salt keeps attackers from choosing who shares. */
const BUCKET_BITS = 18;
const SALT_BYTES = 16;

export const createNodeRateLimiter: CreateRateLimiter = ({ limit, window }) => {
  const limiter = new RateLimiterMemory({ points: limit, duration: window / 1000 });
  const salt = randomBytes(SALT_BYTES);
  return async (key) => {
    const digest = hash("sha256", Buffer.concat([salt, Buffer.from(key)]), "buffer");
    try {
      await limiter.consume(digest.readUInt32BE() >>> (32 - BUCKET_BITS));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.ceil(refusal.msBeforeNext / 1000);
    }
  };
};
