// W3C trace context: the trace of a getToken call continues at the provider.

import { expect, it } from "vitest";
import { useProxy } from "../support/proxy.ts";

const TRACE_CONTEXT = {
  traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  tracestate: "congo=t61rcWkgMzE",
};

const proxy = useProxy();

it("is passed on to the provider", async () => {
  expect((await proxy.call({ headers: TRACE_CONTEXT })).status).toBe(200);
  expect(proxy.provider.requests[0]?.headers).toMatchObject(TRACE_CONTEXT);
});

it("is absent if the caller sends none or an invalid one, and baggage is never passed on", async () => {
  const baggage = "userid=alice";
  expect((await proxy.call({ headers: { baggage } })).status).toBe(200);
  expect((await proxy.call({ headers: { traceparent: "alice", tracestate: "a=b", baggage } })).status).toBe(200);
  for (const { headers } of proxy.provider.requests) {
    expect(Object.keys(headers).filter((name) => /trace|baggage/.test(name))).toEqual([]);
  }
  expect(proxy.provider.requests).toHaveLength(2);
});
