// What a caller gets if the provider's answer is an error, breaks off, comes too late or not at
// all; and that its next call succeeds.

import { describe, expect, it, vi } from "vitest";
import { type Answered, CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { freePort } from "../support/port.ts";
import { useProxy } from "../support/proxy.ts";
import { raw } from "../support/raw-answers.ts";
import {
  type Answer,
  json,
  type Response,
  respond,
  startRecordingProvider,
  token,
} from "../support/recording-provider.ts";
import { WIRE_FAULTS } from "../support/wire-faults.ts";

const closedPort = await freePort();

/** The serverid of a call selects its provider. */
const proxy = useProxy({
  file: (tokenEndpoint: string) => {
    const providers = {
      main: providerConfig(tokenEndpoint, { timeout: "1m" }),
      quick: providerConfig(tokenEndpoint, { timeout: "1s" }),
      closed: providerConfig(`http://127.0.0.1:${closedPort}/token`),
      tls: providerConfig(tokenEndpoint.replace("http:", "https:")),
    };
    return { providers, routes: Object.keys(providers).map((provider) => ({ serverid: provider, provider })) };
  },
});
const callTo = (provider: string) => proxy.call({ body: { ...CALL, serverid: provider } });

/** Expects that the provider is asked once. */
async function expectCode(answer: Answer, code: TableCode, provider = "main") {
  proxy.provider.answer = answer;
  let answered: Answered;
  do {
    proxy.provider.requests.length = 0;
    answered = await callTo(provider);
    // On a busy machine, a short time may be over before the request is sent.
  } while (provider === "quick" && proxy.provider.requests.length === 0);
  expectProviderError(answered, code, `providers.${provider}`);
  expect(proxy.provider.requests).toHaveLength(1);
  return answered.headers;
}

async function expectNextCallRight() {
  proxy.provider.requests.length = 0;
  proxy.provider.answer = token();
  const { status, text } = await callTo("main");
  expect([status, text]).toEqual([200, '{"access_token":"the-token","token_type":"Bearer","expires_in":3600}']);
  expect(proxy.provider.requests).toHaveLength(1);
}

/**
 * The proxy has answered later requests, so it has also read what was sent on its connections
 * before.
 */
async function expectNoticed() {
  for (let i = 0; i < 3; i++) expect((await proxy.call({ path: "/nowhere" })).status).toBe(404);
}

describe("faults on the wire", () => {
  // Where it matters whether the connection is new, leftovers.test.ts has both.
  const faults = WIRE_FAULTS.filter(({ expected, reused }) => RUNTIME === "workerd" || reused === expected.node);
  it.each(faults.map((fault) => [fault.name, fault] as const))("%s", async (_, fault) => {
    const expected = fault.expected[RUNTIME];
    if (expected === "provider_timeout") {
      const closed = vi.fn();
      await expectCode(
        (socket, request) => {
          socket.once("close", closed);
          fault.answer(socket, request);
        },
        expected,
        "quick",
      );
      // A late answer has no connection to arrive on.
      await expect.poll(() => closed.mock.calls.length).toBe(1);
    } else if (typeof expected === "string") {
      await expectCode(fault.answer, expected);
    } else {
      proxy.provider.answer = fault.answer;
      const { status, text } = await callTo("main");
      expect({ status, body: text }).toEqual(expected);
      // Surplus comes after 10 ms.
      if (!fault.keeps) await new Promise((resolve) => setTimeout(resolve, 50));
      await expectNoticed();
    }
    await expectNextCallRight();
  });

  it("surplus bytes go to nobody, not even to the very next call", async () => {
    const body = '{ "access_token":"the first" }';
    for (const surplus of [json({ access_token: "surplus" }), raw("x"), raw("\r\n\r\n"), raw("HTTP/1.1 200 OK\r\n")]) {
      proxy.provider.answer = (socket, request) => {
        socket.cork();
        json(body)(socket, request);
        surplus(socket, request);
        socket.uncork();
      };
      const answer = await callTo("main");
      // On a connection that was used before, the first may be the answer to the request before.
      if (answer.status === 502) expectProviderError(answer, "provider_error");
      else expect([answer.status, answer.text]).toEqual([200, body]);
      await expectNextCallRight();
    }
  });

  it("a reset of a connection that is used again", async () => {
    await expectNextCallRight();
    await expectCode((socket) => socket.resetAndDestroy(), "provider_unreachable");
    await expectNextCallRight();
  });

  it("no listener, and no TLS", async () => {
    for (const provider of ["closed", "tls"]) {
      expectProviderError(await callTo(provider), "provider_unreachable", `providers.${provider}`);
    }
    expect(proxy.provider.requests).toEqual([]);
  });
});

describe("an answer is judged by its status", () => {
  const HTML = "<!doctype html>".padEnd(70_000, " ");
  const WAIT = { "Retry-After": "7" };

  it.each<[string, Response, TableCode, string?]>([
    ["a 429 with 70 kB of HTML", { status: 429, headers: WAIT, body: HTML }, "provider_busy", "7"],
    ["a 503 with Retry-After", { status: 503, headers: WAIT, body: HTML }, "provider_busy", "7"],
    [
      "a 429 with an unknown coding",
      { status: 429, headers: { "Content-Encoding": "x" }, body: "x" },
      "provider_busy",
      "5",
    ],
    ["a 500 with 70 kB of HTML", { status: 500, body: HTML }, "provider_error"],
    [
      "a 401 that says gzip and is empty",
      { status: 401, headers: { "Content-Encoding": "gzip" } },
      "provider_rejected_proxy",
    ],
  ])("%s", async (_, response, code, retryAfter) => {
    expect((await expectCode(respond(response), code))["retry-after"]).toBe(retryAfter);
  });

  it.each([301, 302, 303, 307, 308])("a %d is an error, and nothing is sent to its Location", async (status) => {
    const elsewhere = await startRecordingProvider();
    try {
      const Location = `${elsewhere.url}/${MARKER}`;
      const headers = await expectCode(respond({ status, headers: { Location }, body: HTML }), "provider_redirected");
      expect(headers.location).toBeUndefined();
      expect(elsewhere.requests).toEqual([]);
      await expectCode(respond({ status, headers: { Location: "/token" } }), "provider_redirected");
    } finally {
      await elsewhere.close();
    }
  });
});
