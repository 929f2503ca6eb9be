// Counts requests in the memory of the process.

import { hash, randomBytes } from "node:crypto";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { CreateRateLimiter } from "../../core/inbound.ts";

/**
 * Keys are counted by a salted hash of so many bits, so that the memory is bounded (some 60 MB) whatever comes, and nobody can choose
 * with whom to fall together. Who would fill all of them, 262,144 times the limit in one window, is stopped elsewhere or nowhere.
 */
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
