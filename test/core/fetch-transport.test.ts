// Over fetch, a request is sent unchanged and the whole answer read, or the failure is known.

import { afterEach, describe, expect, it, vi } from "vitest";
import { PAUSE_MS } from "../../src/core/deadline.ts";
import { createFetchTransport } from "../../src/core/fetch-transport.ts";
import type { TransportRequest } from "../../src/core/transport.ts";
import { type FakeFetch, fakeFetch, hang, hangInBody } from "../resource-server/fake-fetch.ts";
import { fakeClock, thrownBy } from "../support/fakes.ts";

const REQUEST: TransportRequest = {
  method: "POST",
  url: "https://sso.bank.example/token?a=b",
  headers: { accept: "application/json" },
  body: "grant_type=x",
  timeout: 1_000,
  maxResponseBytes: 4,
};

const { elapsed, advance } = fakeClock();
const exchange = (answer: FakeFetch["answer"]) => createFetchTransport(fakeFetch(answer).fetch, elapsed)(REQUEST);

afterEach(() => {
  vi.useRealTimers();
});

it("sends the request unchanged and follows no redirect", async () => {
  const { fetch, requests } = fakeFetch(() => new Response("ok"));
  await createFetchTransport(fetch, elapsed)(REQUEST);
  expect(requests[0]).toMatchObject({ method: "POST", url: REQUEST.url, redirect: "manual" });
  expect(requests[0]?.headers.get("accept")).toBe("application/json");
  expect(await requests[0]?.text()).toBe("grant_type=x");
});

it.each([
  [200, {}],
  [201, { "content-length": "4" }],
  [404, {}],
])("returns status, headers and body of a %i", async (status, headers) => {
  const answer = await exchange(() => new Response("1234", { status, headers: { ...headers, "x-a": "b" } }));
  expect([answer.status, answer.headers.get("x-a")]).toEqual([status, "b"]);
  expect(new TextDecoder().decode(answer.body)).toBe("1234");
});

it("does not read the body of a redirect", async () => {
  const cancel = vi.fn();
  const { body } = await exchange(() => new Response(new ReadableStream({ cancel }), { status: 302 }));
  expect(body).toEqual(new Uint8Array());
  expect(cancel).toHaveBeenCalled();
});

it.each([429, 500])("reads the body of a %i if it can, and judges it by its status otherwise", async (status) => {
  const bodyOf = async (body: string | ReadableStream) => (await exchange(() => new Response(body, { status }))).body;
  expect(new TextDecoder().decode(await bodyOf("1234"))).toBe("1234");
  expect(await bodyOf("1".repeat(100_000))).toEqual(new Uint8Array());
  expect(await bodyOf(brokenOff())).toEqual(new Uint8Array());
});

it("does not decode a body with Content-Length 0", async () => {
  const headers = { "content-length": "0", "content-encoding": "gzip" };
  expect((await exchange(() => new Response("", { headers }))).body).toEqual(new Uint8Array());
});

it.each(["-1", "0.5", "3", "0x3", "3, 3"])("limits the body, whatever Content-Length says: %s", async (length) => {
  const received = new Headers({ "content-length": length });
  const longer = () => Object.defineProperty(new Response("12345"), "headers", { value: received });
  expect(await thrownBy(() => exchange(longer))).toMatchObject({ failure: "too_large" });
});

/** Its Content-Length is shorter than the body. */
function endless(headers: Record<string, string>): FakeFetch["answer"] {
  const pull = (controller: ReadableStreamDefaultController) => controller.enqueue(new Uint8Array(1_024));
  return () => new Response(new ReadableStream({ pull }), { headers: { ...headers, "content-length": "3" } });
}

const brokenOff = () => new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) });

it.each<[string, FakeFetch["answer"], string]>([
  ["a longer Content-Length", () => new Response("1", { headers: { "content-length": "5" } }), "too_large"],
  ["a longer body", () => new Response("12345"), "too_large"],
  ["a longer chunked body", endless({ "transfer-encoding": "chunked" }), "too_large"],
  ["a longer decoded body", endless({ "content-encoding": "gzip" }), "too_large"],
  ["no connection", () => Promise.reject(new TypeError("fetch failed")), "unreachable"],
  ["a body that breaks off", () => new Response(brokenOff()), "truncated"],
])("fails after %s and aborts the request", async (_, answer, failure) => {
  const { fetch, requests } = fakeFetch(answer);
  const error = await thrownBy(() => createFetchTransport(fetch, elapsed)(REQUEST));
  expect(error).toMatchObject({ name: "TransportError", failure });
  expect(requests[0]?.signal.aborted).toBe(true);
});

describe("the timeout", () => {
  it.each([
    ["before an answer", hang],
    ["within an answer", hangInBody],
  ])("ends a request %s", async (_, answer) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const failed = thrownBy(() => exchange(answer));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await failed).toMatchObject({ name: "TransportError", failure: "timeout" });
  });

  it("is late if the process was paused meanwhile", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const failed = thrownBy(() => exchange(hang));
    advance(REQUEST.timeout + PAUSE_MS + 1);
    await vi.advanceTimersByTimeAsync(REQUEST.timeout);
    await new Promise((done) => setImmediate(done));
    await vi.advanceTimersByTimeAsync(1_000); // for answers to come
    expect(await failed).toMatchObject({ failure: "late" });
  });
});
