// A transport over a fetch: sends what it is given, reads the answer whole or says in which way there was none.

import { afterEach, describe, expect, it, vi } from "vitest";
import { createFetchTransport } from "../../src/core/fetch-transport.ts";
import type { TransportRequest } from "../../src/core/transport.ts";
import { type FakeFetch, fakeFetch, hang, hangInBody } from "../resource-server/fake-fetch.ts";
import { thrownBy } from "../support/fakes.ts";

const REQUEST: TransportRequest = {
  method: "POST",
  url: "https://sso.bank.example/token?a=b",
  headers: { accept: "application/json" },
  body: "grant_type=x",
  timeout: 1_000,
  maxResponseBytes: 4,
};

const exchange = (answer: FakeFetch["answer"]) => createFetchTransport(fakeFetch(answer).fetch)(REQUEST);

afterEach(() => {
  vi.useRealTimers();
});

describe("a transport over a fetch", () => {
  it("sends the request as it is given, and follows no redirect", async () => {
    const { fetch, requests } = fakeFetch(() => new Response("ok"));
    await createFetchTransport(fetch)(REQUEST);
    expect(requests[0]).toMatchObject({ method: "POST", url: REQUEST.url, redirect: "manual" });
    expect(requests[0]?.headers.get("accept")).toBe("application/json");
    expect(await requests[0]?.text()).toBe("grant_type=x");
  });

  it.each([200, 201, 400, 404])("gives status, headers and body of a %i", async (status) => {
    const { headers, body, ...rest } = await exchange(() => new Response("1234", { status, headers: { "x-a": "b" } }));
    expect(rest).toEqual({ status });
    expect([headers.get("x-a"), new TextDecoder().decode(body)]).toEqual(["b", "1234"]);
  });

  it("gives a body whose length is announced, whole", async () => {
    const { body } = await exchange(() => new Response("1234", { headers: { "content-length": "4" } }));
    expect(new TextDecoder().decode(body)).toBe("1234");
  });

  it.each([302, 429, 500, 503])("leaves the body of a %i unread, which its status says all about", async (status) => {
    const cancel = vi.fn();
    const { body } = await exchange(() => new Response(new ReadableStream({ cancel }), { status }));
    expect(body).toEqual(new Uint8Array());
    expect(cancel).toHaveBeenCalled();
  });

  it.each(["-1", "0.5", "3", "0x3", "3, 3"])(
    "holds a body to the bound, whatever length is announced: %s",
    async (length) => {
      const received = new Headers({ "content-length": length });
      const longer = () => Object.defineProperty(new Response("12345"), "headers", { value: received });
      expect(await thrownBy(() => exchange(longer))).toMatchObject({ failure: "too_large" });
    },
  );

  it("takes an announced length of nothing for nothing", async () => {
    const headers = { "content-length": "0", "content-encoding": "gzip" };
    expect((await exchange(() => new Response("", { headers }))).body).toEqual(new Uint8Array());
  });

  it.each<[string, FakeFetch["answer"], string]>([
    [
      "an announced length over the bound",
      () => new Response("1", { headers: { "content-length": "5" } }),
      "too_large",
    ],
    ["more than the bound", () => new Response("12345"), "too_large"],
    ["more than the bound, beside a length", endlessly({ "transfer-encoding": "chunked" }), "too_large"],
    ["more than the bound when decoded", endlessly({ "content-encoding": "gzip" }), "too_large"],
    ["no connection", () => Promise.reject(new TypeError("fetch failed")), "unreachable"],
    ["a body that breaks off", () => new Response(brokenStream()), "truncated"],
  ])("fails by %s, and lets go of what is still coming", async (_, answer, failure) => {
    const fake = fakeFetch(answer);
    const error = await thrownBy(() => createFetchTransport(fake.fetch)(REQUEST));
    expect(error).toMatchObject({ name: "TransportError", failure });
    expect(fake.requests[0]?.signal.aborted).toBe(true);
  });

  it.each([
    ["before an answer", hang],
    ["within an answer", hangInBody],
  ])("gives up %s when its time is over", async (_, answer) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const failed = thrownBy(() => exchange(answer));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await failed).toMatchObject({ name: "TransportError", failure: "timeout" });
  });
});

/** Announces less than it is. */
function endlessly(headers: Record<string, string>): FakeFetch["answer"] {
  const endless = () =>
    new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(new Uint8Array(1_024)) });
  return () => new Response(endless(), { headers: { ...headers, "content-length": "3" } });
}

function brokenStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) });
}
