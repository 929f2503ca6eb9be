// What the caller gets where a provider's answer does not arrive whole, in time, or at all; and that the next call is right.

import { describe, expect, it, vi } from "vitest";
import { type Answered, CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError, type TableCode } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { freePort } from "../support/port.ts";
import { useProxy } from "../support/proxy.ts";
import { raw, thenSurplus } from "../support/raw-answers.ts";
import { type Answer, json, token } from "../support/recording-provider.ts";
import { WIRE_FAULTS } from "../support/wire-faults.ts";

/** Of the provider that is called where the deadline ends the call. */
const DEADLINE_MS = 300;

/** A port on which nobody listens. */
const closed = await freePort();

describe(`answers that break on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: (tokenEndpoint: string) => ({
      providers: {
        main: providerConfig(tokenEndpoint, { timeout: "1m" }),
        quick: providerConfig(tokenEndpoint, { timeout: `${DEADLINE_MS}ms`, connect_timeout: `${DEADLINE_MS}ms` }),
        closed: providerConfig(`http://127.0.0.1:${closed}/token`),
        tls: providerConfig(tokenEndpoint.replace("http:", "https:")),
      },
      routes: [
        ...["quick", "closed", "tls"].map((provider) => ({ serverid: provider, provider })),
        { provider: "main" },
      ],
    }),
  });
  const callTo = (provider: string) => proxy.call({ body: { ...CALL, serverid: provider } });

  /** The provider is asked once and answers so; only the next call asks it again, on any connection. */
  async function expectCode(answer: Answer, code: TableCode) {
    proxy.provider.answer = answer;
    expectProviderError(await callTo("main"), code, "providers.main");
    expect(proxy.provider.requests).toHaveLength(1);
    await expectNextCallRight();
  }

  async function expectNextCallRight() {
    proxy.provider.requests.length = 0;
    proxy.provider.answer = token();
    const { status, text } = await proxy.call();
    expect([status, text]).toEqual([200, '{"access_token":"the-token","token_type":"Bearer","expires_in":3600}']);
    expect(proxy.provider.requests).toHaveLength(1);
  }

  /** The proxy has answered requests that came later than what was sent on its connections, and so has read that. */
  async function expectNoticed() {
    for (let i = 0; i < 3; i++) expect((await proxy.call({ path: "/nowhere" })).status).toBe(404);
  }

  /** As expectCode for the provider with the short timeout; the connection's end comes with the error. */
  async function expectTimeout(answer: Answer) {
    const closed = vi.fn();
    const started = performance.now();
    proxy.provider.answer = (socket, request) => {
      socket.once("close", closed);
      answer(socket, request);
    };
    expectProviderError(await callTo("quick"), "provider_timeout", "providers.quick");
    expect(performance.now() - started).toBeGreaterThan(DEADLINE_MS - 20);
    await expect.poll(() => closed.mock.calls.length).toBe(1);
    expect(proxy.provider.requests).toHaveLength(1);
    await expectNextCallRight();
  }

  // Where it matters whether the connection is new, leftovers.test.ts has both.
  const faults = WIRE_FAULTS.filter(({ expected, reused }) => RUNTIME === "workerd" || reused === expected.node);
  it.each(faults.map((fault) => [fault.name, fault] as const))("ends a call as it must: %s", async (_, fault) => {
    const expected = fault.expected[RUNTIME];
    if (expected === "provider_timeout") return expectTimeout(fault.answer);
    if (typeof expected === "string") return expectCode(fault.answer, expected);
    proxy.provider.answer = fault.answer;
    const { status, text } = await proxy.call();
    expect({ status, body: text }).toEqual(expected);
    if (!fault.keeps) await new Promise((resolve) => setTimeout(resolve, 50)); // surplus may come later
    await expectNoticed();
    await expectNextCallRight();
  });

  it("answers provider_unreachable for a connection that the provider resets as it is used again", async () => {
    await expectNextCallRight();
    proxy.provider.requests.length = 0;
    await expectCode((socket) => socket.resetAndDestroy(), "provider_unreachable");
  });

  it("answers provider_unreachable where nobody listens", async () => {
    expectProviderError(await callTo("closed"), "provider_unreachable", "providers.closed");
  });

  it("answers provider_unreachable where the provider does not speak tls", async () => {
    expectProviderError(await callTo("tls"), "provider_unreachable", "providers.tls");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("ends at its deadline and not later: an answer that comes soon after it goes to nobody", async () => {
    const late = vi.fn();
    await expectTimeout((socket, request) => {
      setTimeout(() => {
        json({ access_token: "late" })(socket, request);
        late();
      }, DEADLINE_MS + 150);
    });
    await expect.poll(() => late.mock.calls.length).toBe(1);
    await expectNextCallRight();
  });

  const body = '{ "access_token":"the first" }';

  /** On a connection that was used before, the first of two answers may be the one to the request before. */
  function expectFirstOrError(answer: Answered): void {
    if (answer.status === 502) expectProviderError(answer, "provider_error");
    else expect([answer.status, answer.text]).toEqual([200, body]);
  }

  it.each<[string, (answer: Answer, surplus: Answer) => Answer]>([
    [
      "at once",
      (answer, surplus) => (socket, request) => {
        answer(socket, request);
        surplus(socket, request);
      },
    ],
    ["later", (answer, surplus) => thenSurplus(answer, surplus, 30)],
  ])("gives surplus bytes behind an answer that come %s to nobody", async (_when, both) => {
    for (const surplus of [json({ access_token: "surplus" }), raw("x"), raw("\r\n\r\n"), raw("HTTP/1.1 200 OK\r\n")]) {
      const sent = vi.fn(surplus);
      proxy.provider.requests.length = 0;
      proxy.provider.answer = both(json(body), sent);
      expectFirstOrError(await proxy.call());
      expect(proxy.provider.requests).toHaveLength(1);
      await expect.poll(() => sent.mock.calls.length).toBe(1);
      await expectNoticed();
      await expectNextCallRight();
    }
  });

  it("gives surplus bytes of one write to nobody, not even to the very next call", async () => {
    const surplus = json({ access_token: "surplus" });
    proxy.provider.answer = (socket, request) => {
      socket.cork();
      json(body)(socket, request);
      surplus(socket, request);
      socket.uncork();
    };
    expectFirstOrError(await proxy.call());
    await expectNextCallRight();
  });
});
