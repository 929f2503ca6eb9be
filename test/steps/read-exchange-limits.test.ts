// An exchange is counted by its address before it is read, and by its webNonce, which itself never is the key, when it is whole.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { readExchange } from "../../src/steps/read-exchange.ts";
import { asyncHashText, hashText, thrownBy } from "../support/fakes.ts";

const NONCE = "5f1d7a84db00d2fc";
const GOOD = `grant_type=authorization_code&code=${NONCE}`;

/** @param waits seconds that each limit says, by its name */
function setUp(waits: { address?: number; webNonce?: number } = {}) {
  const counted: [string, string][] = [];
  const limiter = (name: "address" | "webNonce") => async (key: string) => {
    counted.push([name, key]);
    return waits[name];
  };
  const limits = { perAddress: limiter("address"), perWebNonce: limiter("webNonce") };
  let request: Request | undefined;
  const exchange = (body = GOOD, serverid = "a", hash = hashText) => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    request = new Request("http://proxy.example/token", { method: "POST", headers, body });
    return readExchange(request, { address: "192.0.2.1", serverid }, limits, hash);
  };
  return { counted, exchange, bodyUsed: () => request?.bodyUsed };
}

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");

async function refusalOf(exchange: Promise<unknown>): Promise<TokenProxyError> {
  const error = await thrownBy(() => exchange);
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

it("the address is counted first, then the webNonce by a digest of it and of its serverid", async () => {
  const { exchange, counted } = setUp();
  await exchange();
  expect(counted).toEqual([
    ["address", "192.0.2.1"],
    ["webNonce", digestOf(`a\n${NONCE}`)],
  ]);
  expect(JSON.stringify(counted)).not.toContain(NONCE);
});

it("the digest may come later, as it does on Workers", async () => {
  const { exchange, counted } = setUp();
  await exchange(GOOD, "a", asyncHashText);
  expect(counted[1]).toEqual(["webNonce", digestOf(`a\n${NONCE}`)]);
});

it("the same webNonce has one key, another webNonce or serverid another", async () => {
  const { exchange, counted } = setUp();
  const grant = "grant_type=authorization_code";
  await exchange(`${grant}&code=n`);
  await exchange(`code=n&client_id=x&${grant}`);
  await exchange(`${grant}&code=%6e`);
  await exchange(`${grant}&code=N`);
  await exchange(`${grant}&code=n`, "b");
  const keys = counted.filter(([name]) => name === "webNonce").map(([, key]) => key);
  expect(keys).toEqual(["a\nn", "a\nn", "a\nn", "a\nN", "b\nn"].map(digestOf));
});

describe("what cannot be an exchange", () => {
  it.each([
    ["no grant_type", `code=${NONCE}`],
    ["another grant_type", `grant_type=password&code=${NONCE}`],
    ["no code", "grant_type=authorization_code"],
    ["a code that is no webNonce", "grant_type=authorization_code&code=%00"],
  ])("is counted by its address alone: %s", async (_, body) => {
    const { exchange, counted } = setUp();
    await refusalOf(exchange(body));
    expect(counted).toEqual([["address", "192.0.2.1"]]);
  });
});

describe("an address over its limit", () => {
  it("is refused with the time to wait, and nothing of the request is read or counted more", async () => {
    const { exchange, counted, bodyUsed } = setUp({ address: 17 });
    const error = await refusalOf(exchange());
    expect(error).toMatchObject({
      code: "rate_limited",
      message: "too many requests: try again in ",
      retryAfter: 17,
    });
    expect(counted).toEqual([["address", "192.0.2.1"]]);
    expect(bodyUsed()).toBe(false);
  });

  it("is refused as such, whatever else is wrong", async () => {
    expect((await refusalOf(setUp({ address: 1 }).exchange("grant_type=x"))).code).toBe("rate_limited");
  });
});

it("a webNonce over its limit is refused with the time to wait", async () => {
  const error = await refusalOf(setUp({ webNonce: 3 }).exchange());
  expect(error).toMatchObject({ code: "rate_limited", message: "too many requests: try again in ", retryAfter: 3 });
});

it("a limit that says to wait no time at all is a limit still", async () => {
  expect(await refusalOf(setUp({ webNonce: 0 }).exchange())).toMatchObject({ code: "rate_limited", retryAfter: 0 });
});

it("a limit that cannot be asked lets nobody through", async () => {
  const bug = new Error("the binding is gone");
  const limits = { perAddress: () => Promise.reject(bug), perWebNonce: async () => undefined };
  const request = new Request("http://proxy.example/token", { method: "POST", body: GOOD });
  expect(await thrownBy(() => readExchange(request, { address: "", serverid: "a" }, limits, hashText))).toBe(bug);
});
