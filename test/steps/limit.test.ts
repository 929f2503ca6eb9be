// Limits: calls in flight, and exchanges per client address and per webNonce.

import { createHash } from "node:crypto";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { asCallError } from "../../src/core/errors.ts";
import type { RateLimiter } from "../../src/core/inbound.ts";
import type { Env } from "../../src/steps/context.ts";
import { type LimitDeps, limitInFlight, limitPerAddress, limitPerWebNonce } from "../../src/steps/limit.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { asyncHashText, hashText } from "../support/fakes.ts";

const LIMIT = { limit: 1, window: 1_000, binding: "LIMIT" };
const EXCHANGE = {
  values: new Map([
    ["serverid", "a"],
    ["nonce", "n"],
  ]),
} as unknown as Env["Variables"]["call"];

/**
 * Runs one request through a limit. @returns what the limiter counted, and the error or "passed"
 */
async function pass(limit: typeof limitPerAddress, limiter: RateLimiter, hash: LimitDeps["hashText"] = hashText) {
  const keys: string[] = [];
  const deps: LimitDeps = {
    inbound: workerInbound,
    hashText: hash,
    createRateLimiter: (settings) => {
      expect(settings).toBe(LIMIT);
      return async (key) => {
        keys.push(key);
        return limiter(key);
      };
    },
  };
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.set("call", EXCHANGE);
    await next();
  });
  app.get("/", limit(deps, LIMIT), (c) => c.json("passed"));
  app.onError((error, c) => {
    const { code, message, retryAfter } = asCallError(error);
    return c.json([code, message, retryAfter]);
  });
  const response = await app.request("/", { headers: { "cf-connecting-ip": "192.0.2.1" } });
  return { keys, outcome: await response.json() };
}

const allow: RateLimiter = async () => undefined;

describe.each([
  ["limitPerAddress", limitPerAddress],
  ["limitPerWebNonce", limitPerWebNonce],
])("%s", (_, limit) => {
  it("lets a request pass below the limit", async () => {
    expect((await pass(limit, allow)).outcome).toBe("passed");
  });

  it.each([17, 0])("refuses a request above the limit, with the seconds to wait: %d", async (wait) => {
    const message = `too many requests: try again in ${wait} s`;
    expect((await pass(limit, async () => wait)).outcome).toEqual(["rate_limited", message, wait]);
  });

  it("lets nothing pass if the limiter fails", async () => {
    const { outcome } = await pass(limit, () => Promise.reject(new Error("the binding is gone")));
    expect(outcome).toMatchObject(["internal", expect.anything(), null]);
  });
});

it("counts the client's address", async () => {
  expect((await pass(limitPerAddress, allow)).keys).toEqual(["192.0.2.1"]);
});

it.each([hashText, asyncHashText])("counts a hash of serverid and webNonce", async (hash) => {
  const digest = createHash("sha256").update("a\nn").digest("hex");
  expect((await pass(limitPerWebNonce, allow, hash)).keys).toEqual([digest]);
});

it("refuses calls in flight above the limit, and has a place again after success and after failure", async () => {
  const app = new Hono<Env>();
  const waiting: (() => void)[] = [];
  app.get("/", limitInFlight(2), async (c) => {
    await new Promise<void>((resolve) => waiting.push(resolve));
    if (c.req.query("fail") !== undefined) throw new Error("failed");
    return c.text("done");
  });
  app.onError((error, c) => {
    const { code, retryAfter } = asCallError(error);
    return c.text(`${code} ${retryAfter}`);
  });
  const textOf = async (response: Response | Promise<Response>) => (await response).text();
  const both = ["/", "/?fail"].map((path) => app.request(path));
  await expect.poll(() => waiting.length).toBe(2);
  expect(await textOf(app.request("/"))).toBe("overloaded 1");
  for (const end of waiting.splice(0)) end();
  expect(await Promise.all(both.map(textOf))).toEqual(["done", "internal undefined"]);
  const again = ["/", "/"].map((path) => app.request(path));
  await expect.poll(() => waiting.length).toBe(2);
  for (const end of waiting) end();
  expect(await Promise.all(again.map(textOf))).toEqual(["done", "done"]);
});
