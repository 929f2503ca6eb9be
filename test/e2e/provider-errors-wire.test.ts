// What the caller gets where a provider's answer does not arrive whole, in time, or at all; and that the next call is right.

import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { freePort } from "../support/port.ts";
import { useProxy } from "../support/proxy.ts";
import { chunked, chunks, head, raw, thenClose, thenReset, thenSurplus, trickle } from "../support/raw-answers.ts";
import { type Answer, json, respond, token } from "../support/recording-provider.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
const BODY = `{"access_token":"${MARKER}"}`;
const MAX_BYTES = 65_536;
/** Of the provider that is called where a test is about time. */
const TIMEOUT_MS = 300;
/** What a busy machine may take on top of it. */
const MARGIN_MS = 1_000;

/** A port on which nobody listens. */
const closed = await freePort();

describe(`answers that break on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: (tokenEndpoint: string) => ({
      providers: {
        main: providerConfig(tokenEndpoint, { timeout: "10s" }),
        quick: providerConfig(tokenEndpoint, { timeout: `${TIMEOUT_MS}ms`, connect_timeout: `${TIMEOUT_MS}ms` }),
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

  /** The provider answers once so, is asked once, and is asked again, on whatever connection, by the next call alone. */
  async function expectCode(answer: Answer, code: TableCode, provider = "main") {
    proxy.provider.answer = answer;
    expectProviderError(await callTo(provider), code, `providers.${provider}`);
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

  /** As expectCode for the provider with the short timeout; the error comes when that is over, and soon, and so does the connection's end. */
  async function expectTimeout(answer: Answer) {
    const closed = vi.fn();
    const started = performance.now();
    proxy.provider.answer = (socket, request) => {
      socket.once("close", closed);
      answer(socket, request);
    };
    expectProviderError(await callTo("quick"), "provider_timeout", "providers.quick");
    const took = performance.now() - started;
    expect(took).toBeGreaterThan(TIMEOUT_MS - 20);
    expect(took).toBeLessThan(TIMEOUT_MS + MARGIN_MS);
    await expect.poll(() => closed.mock.calls.length, { timeout: MARGIN_MS }).toBe(1);
    expect(proxy.provider.requests).toHaveLength(1);
    await expectNextCallRight();
  }

  const zeros = Buffer.alloc(1_000_000);
  const tooLong = Buffer.from(`{"access_token":"${"a".repeat(MAX_BYTES)}"}`);
  it.each<[string, Answer]>([
    ["a Content-Length beyond the limit, before the body came", raw(head({ ...JSON_TYPE, "Content-Length": "65537" }))],
    ["a Content-Length beyond the limit, with its body", respond({ headers: JSON_TYPE, body: tooLong })],
    ["one byte beyond the limit in chunks", chunked(Buffer.from(BODY.padEnd(MAX_BYTES + 1)), 5_000)],
    ["chunks that never end", trickle(head({ "Transfer-Encoding": "chunked" }), `${chunks(tooLong, 9_000)[0]}`, 1)],
    ["a body that neither a length nor the connection's end ends", trickle(head(JSON_TYPE), "a".repeat(9_000), 1)],
    ["a megabyte of zeros in gzip", respond({ headers: { "Content-Encoding": "gzip" }, body: gzipSync(zeros) })],
    ["a megabyte of zeros in br", respond({ headers: { "Content-Encoding": "br" }, body: brotliCompressSync(zeros) })],
  ])("answers provider_too_large for %s", async (_what, answer) => {
    await expectCode(answer, "provider_too_large");
  });

  // Node's parser takes it for request smuggling; workerd goes by the chunks, as RFC 9112 §6.3 has it, and the bound must too.
  const smuggledCode = RUNTIME === "node" ? "provider_error" : "provider_too_large";
  it(`answers ${smuggledCode} for chunks that never end beside a short Content-Length, on ${RUNTIME}`, async () => {
    const both = head({ "Content-Length": "9", "Transfer-Encoding": "chunked" });
    await expectCode(trickle(both, `${chunks(tooLong, 9_000)[0]}`, 1), smuggledCode);
  });

  const longer = head({ ...JSON_TYPE, "Content-Length": String(BODY.length + 1) });
  const inChunks = head({ ...JSON_TYPE, "Transfer-Encoding": "chunked" });
  const [wholeChunk] = chunks(Buffer.from(BODY), BODY.length) as [Buffer];
  it.each<[string, Answer]>([
    ["a Content-Length longer than the body", thenClose(raw(longer, BODY))],
    ["a Content-Length and no body at all", thenClose(raw(longer))],
    ["a reset in the middle of the body", thenReset(raw(longer, BODY))],
    ["a reset between headers and body", thenReset(raw(longer))],
    ["chunks without the last one", thenClose(raw(inChunks, wholeChunk))],
    ["a chunk that is cut", thenClose(raw(inChunks, wholeChunk.subarray(0, -5)))],
    ["a reset between chunks", thenReset(raw(inChunks, wholeChunk))],
    [
      "gzip that is cut",
      respond({ headers: { ...JSON_TYPE, "Content-Encoding": "gzip" }, body: gzipSync(BODY).subarray(0, -9) }),
    ],
  ])("answers provider_truncated for %s", async (_what, answer) => {
    await expectCode(answer, "provider_truncated");
  });

  it.each<[string, Answer]>([
    ["a reset before any answer", (socket) => socket.resetAndDestroy()],
    ["the connection's end before any answer", thenClose(() => {})],
    ["a status line that is cut", thenClose(raw("HTTP/1.1 20"))],
    ["headers that are cut", thenClose(raw(head(JSON_TYPE).slice(0, -4)))],
  ])("answers provider_unreachable for %s", async (_what, answer) => {
    await expectCode(answer, "provider_unreachable");
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

  // Node's parser says what it met; workerd says no more than that no answer could be had.
  const garbage: [string, Answer][] = [
    ["text that is not http", raw(`220 mail.example ESMTP ${MARKER}\r\n`)],
    ["bytes that are not http", thenClose(raw(Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28])))],
    ["a header without a name", raw(`HTTP/1.1 200 OK\r\n: ${MARKER}\r\n\r\n`)],
    ["a Content-Length that is no number", raw(head({ "Content-Length": MARKER }), BODY)],
    ["headers that never end", trickle("HTTP/1.1 200 OK\r\n", `X-Any: ${"a".repeat(7_000)}\r\n`, 1)],
  ];
  const garbageCode = RUNTIME === "node" ? "provider_error" : "provider_unreachable";
  it.each(garbage)(`answers ${garbageCode} for %s, on ${RUNTIME}`, async (_what, answer) => {
    await expectCode(answer, garbageCode);
  });

  it.each<[string, Answer]>([
    ["no answer", () => {}],
    ["headers that do not end", raw(head(JSON_TYPE).slice(0, -2))],
    ["headers that trickle", trickle("HTTP/1.1 200 OK\r\n", "X-Any: 1\r\n", 20)],
    ["interim responses alone", trickle("", head({}, 103), 20)],
    ["a body that does not come", raw(head({ ...JSON_TYPE, "Content-Length": "9" }))],
    ["a body that trickles", trickle(head({ ...JSON_TYPE, "Content-Length": "9999" }), "a", 20)],
    ["chunks that trickle", trickle(inChunks, "1\r\na\r\n", 20)],
    ["a body that trickles without a length", trickle(head(JSON_TYPE), "a", 20)],
    ["chunks whose end does not come", raw(inChunks, wholeChunk)],
  ])("answers provider_timeout for %s", async (_what, answer) => {
    await expectTimeout(answer);
  });

  it("gives an answer that comes too late to nobody", async () => {
    let sent = false;
    await expectTimeout((socket, request) => {
      setTimeout(() => {
        json({ access_token: "late" })(socket, request);
        sent = true;
      }, TIMEOUT_MS + 150);
    });
    await expect.poll(() => sent).toBe(true);
    await expectNextCallRight();
  });

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
    const body = '{ "access_token":"the first" }';
    for (const surplus of [json({ access_token: "surplus" }), raw("x"), raw("\r\n\r\n"), raw("HTTP/1.1 200 OK\r\n")]) {
      proxy.provider.requests.length = 0;
      proxy.provider.answer = both(json(body), surplus);
      const { status, text } = await proxy.call();
      expect([status, text]).toEqual([200, body]);
      expect(proxy.provider.requests).toHaveLength(1);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await expectNextCallRight();
    }
  });

  it("gives surplus bytes of one write to nobody, not even to the very next call", async () => {
    const body = '{ "access_token":"the first" }';
    const surplus = json({ access_token: "surplus" });
    proxy.provider.answer = (socket, request) => {
      socket.cork();
      json(body)(socket, request);
      surplus(socket, request);
      socket.uncork();
    };
    expect((await proxy.call()).text).toBe(body);
    await expectNextCallRight();
  });
});
