// Counts requests in the memory of the process.

import { hash, randomBytes } from "node:crypto";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { CreateRateLimiter } from "../../http/inbound.ts";

/**
 * Keys are counted by a salted hash of so many bits: the memory is bounded whatever comes, and two keys that fall together are as
 * rare as nobody can bring about.
 */
const BUCKET_BYTES = 2;
const SALT_BYTES = 16;

export const createNodeRateLimiter: CreateRateLimiter = ({ limit, window }) => {
  const limiter = new RateLimiterMemory({ points: limit, duration: window / 1000 });
  const salt = randomBytes(SALT_BYTES);
  return async (key) => {
    const digest = hash("sha256", Buffer.concat([salt, Buffer.from(key)]), "buffer");
    try {
      await limiter.consume(digest.subarray(0, BUCKET_BYTES).toString("hex"));
      return undefined;
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      return Math.ceil(refusal.msBeforeNext / 1000);
    }
  };
};
