// Limits: calls in flight, and exchanges by their address before they are read and by their webNonce afterwards.

import { createHash } from "node:crypto";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { asCallError } from "../../src/core/errors.ts";
import type { Env } from "../../src/steps/context.ts";
import { type LimitDeps, limitInFlight, limitPerAddress, limitPerWebNonce } from "../../src/steps/limit.ts";
import { readExchange } from "../../src/steps/read-exchange.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { asyncHashText, fakeTrace, hashText } from "../support/fakes.ts";

const NONCE = "5f1d7a84db00d2fc";
const GOOD = `grant_type=authorization_code&code=${NONCE}`;
const ADDRESS = { limit: 1, window: 1_000, binding: "ADDRESS" };
const WEBNONCE = { limit: 1, window: 1_000, binding: "WEBNONCE" };

interface Changes {
  /** Seconds to wait, by the binding of a limit. */
  waits?: Record<string, number>;
  serverid?: string;
  hash?: LimitDeps["hashText"];
  fails?: boolean;
}

/** The steps of an exchange up to the last limit. `counted` lists the keys of the limits, in order. */
function setUp({ waits = {}, serverid = "a", hash = hashText, fails = false }: Changes = {}) {
  const counted: [string, string][] = [];
  const deps: LimitDeps = {
    inbound: workerInbound,
    hashText: hash,
    createRateLimiter:
      ({ binding }) =>
      async (key) => {
        if (fails) throw new Error("the binding is gone");
        counted.push([binding, key]);
        return waits[binding];
      },
  };
  const app = new Hono<Env>();
  app.use(async (c, next) => {
    c.set("trace", fakeTrace() as Env["Variables"]["trace"]);
    await next();
  });
  app.post(
    "/token",
    limitPerAddress(deps, ADDRESS),
    readExchange(serverid, undefined),
    limitPerWebNonce(deps, WEBNONCE),
    (c) => c.text("reached"),
  );
  app.onError((error, c) => {
    const { code, retryAfter } = asCallError(error);
    return c.json({ code, retryAfter });
  });
  const exchange = async (body = GOOD) => {
    const headers = { "content-type": "application/x-www-form-urlencoded", "cf-connecting-ip": "192.0.2.1" };
    const request = new Request("http://proxy.example/token", { method: "POST", headers, body });
    const text = await (await app.request(request)).text();
    return { outcome: text === "reached" ? text : JSON.parse(text), bodyUsed: request.bodyUsed };
  };
  return { counted, exchange };
}

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

describe("an exchange", () => {
  it.each([
    ["synchronous", hashText],
    ["asynchronous, as on Workers", asyncHashText],
  ])("is counted by its address, then by a hash of serverid and webNonce (%s)", async (_, hash) => {
    const { exchange, counted } = setUp({ hash });
    expect((await exchange()).outcome).toBe("reached");
    expect(counted).toEqual([
      ["ADDRESS", "192.0.2.1"],
      ["WEBNONCE", digestOf(`a\n${NONCE}`)],
    ]);
  });

  it("has the same key for the same webNonce, however it is written", async () => {
    const { exchange, counted } = setUp();
    const grant = "grant_type=authorization_code";
    for (const body of [`${grant}&code=n`, `code=n&client_id=x&${grant}`, `${grant}&code=%6e`, `${grant}&code=N`]) {
      await exchange(body);
    }
    const keys = counted.filter(([name]) => name === "WEBNONCE").map(([, key]) => key);
    expect(keys).toEqual(["a\nn", "a\nn", "a\nn", "a\nN"].map(digestOf));
  });

  it("that is invalid is only counted by its address", async () => {
    const { exchange, counted } = setUp();
    await exchange(`grant_type=password&code=${NONCE}`);
    expect(counted).toEqual([["ADDRESS", "192.0.2.1"]]);
  });

  it("from an address over its limit is refused before its body is read", async () => {
    const { exchange, counted } = setUp({ waits: { ADDRESS: 17 } });
    expect(await exchange("grant_type=x")).toEqual({
      outcome: { code: "rate_limited", retryAfter: 17 },
      bodyUsed: false,
    });
    expect(counted).toHaveLength(1);
  });

  it.each([3, 0])("of a webNonce over its limit is refused, even with %d seconds to wait", async (wait) => {
    const { exchange } = setUp({ waits: { WEBNONCE: wait } });
    expect((await exchange()).outcome).toEqual({ code: "rate_limited", retryAfter: wait });
  });

  it("gets nowhere if a limit cannot be asked", async () => {
    expect((await setUp({ fails: true }).exchange()).outcome).toEqual({ code: "internal" });
  });
});

describe("calls in flight", () => {
  it("are refused beyond the limit, and a place is free again after success and failure", async () => {
    const app = new Hono<Env>();
    const waiting: (() => void)[] = [];
    app.get("/", limitInFlight(2), async (c) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (c.req.query("fail") !== undefined) throw new Error("failed");
      return c.text("done");
    });
    app.onError((error, c) => c.text(asCallError(error).code));
    const first = app.request("/");
    const second = app.request("/?fail");
    await expect.poll(() => waiting.length).toBe(2);
    expect(await (await app.request("/")).text()).toBe("overloaded");
    for (const end of waiting.splice(0)) end();
    expect(await (await first).text()).toBe("done");
    expect(await (await second).text()).toBe("internal");
    const third = app.request("/");
    await expect.poll(() => waiting.length).toBe(1);
    for (const end of waiting) end();
    expect(await (await third).text()).toBe("done");
  });
});
