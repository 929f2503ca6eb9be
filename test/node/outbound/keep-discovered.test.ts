// Discovery in the background continues until it is stopped.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TokenProxyError } from "../../../src/core/errors.ts";
import { TransportError } from "../../../src/core/transport.ts";
import { keepDiscovered } from "../../../src/node/outbound/keep-discovered.ts";
import { createDiscovery, METADATA_LIFETIME_MS } from "../../../src/oauth/discovery.ts";
import { fakeClock, fakeLog, fakeProvider, response } from "../../support/fakes.ts";

const ISSUER = "https://idp.example";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const found = response(200, { issuer: ISSUER, token_endpoint: `${ISSUER}/token` });
  const provider = fakeProvider(() => found);
  const transport = provider.createTransport({ connect_timeout: 1, connections: 1 });
  const settings = { issuer: ISSUER, discovery: "oidc", byTls: false } as const;
  const deps = { transport, clock: fakeClock(), log: () => {} };
  const discovery = createDiscovery(settings, "providers.main", deps);
  const { log, lines } = fakeLog();
  return {
    provider,
    found,
    lines,
    start: () =>
      keepDiscovered(
        [
          { name: "main", discovery },
          { name: "fixed", discovery: undefined },
        ],
        log,
      ),
    /** Milliseconds from now until it asks again. */
    async untilNext() {
      const asked = provider.requests.length;
      for (let waited = 0; waited <= METADATA_LIFETIME_MS; waited += 500) {
        if (provider.requests.length > asked) return waited;
        await vi.advanceTimersByTimeAsync(500);
      }
      return undefined;
    },
  };
}
const down = () => {
  throw new TransportError("unreachable", new TokenProxyError("internal", "not told"));
};

describe("discovery in the background", () => {
  it("starts at once, and again before the metadata expires", async () => {
    const { provider, start, lines, untilNext } = setUp();
    start();
    await vi.advanceTimersByTimeAsync(0);
    expect(provider.requests).toHaveLength(1);
    expect(lines).toEqual([
      { level: "info", event: "discovered", fields: { provider: "main", token_endpoint: `${ISSUER}/token` } },
    ]);
    expect(await untilNext()).toBe(METADATA_LIFETIME_MS * 0.75);
  });

  it("retries a provider that is down with growing pauses, and starts over after a success", async () => {
    const { provider, found, start, lines, untilNext } = setUp();
    provider.answer = down;
    start();
    await vi.advanceTimersByTimeAsync(0);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 8; i++) waits.push(await untilNext());
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(lines[0]).toEqual({
      level: "warn",
      event: "discovery failed",
      fields: {
        provider: "main",
        error_code: "provider_unreachable",
        reason: 'the provider "providers.main" cannot be reached',
        cause: "TokenProxyError",
        next_try_ms: 500,
      },
    });
    provider.answer = () => found;
    await untilNext();
    provider.answer = down;
    await untilNext();
    expect(await untilNext()).toBe(500);
  });

  it("logs the status and the issuer of an answer that it cannot use", async () => {
    const { provider, start, lines } = setUp();
    provider.answer = () => response(200, { issuer: "https://other.example", token_endpoint: `${ISSUER}/token` });
    start();
    await vi.advanceTimersByTimeAsync(0);
    const detail = { provider_status: 200, provider_issuer: "https://other.example" };
    expect(lines[0]).toMatchObject({ event: "discovery failed", fields: { error_code: "provider_error", ...detail } });
  });

  it("ends when it is stopped", async () => {
    const { provider, start, untilNext } = setUp();
    const stop = start();
    await vi.advanceTimersByTimeAsync(0);
    stop();
    expect(await untilNext()).toBeUndefined();
    expect(provider.requests).toHaveLength(1);
  });

  it.each(["found", "failed"])("does not log a request that ends after it was stopped: %s", async (end) => {
    const { provider, found, start, lines, untilNext } = setUp();
    let finish = () => {};
    provider.answer = () =>
      new Promise((resolve, reject) => {
        finish = () => (end === "found" ? resolve(found) : reject(new TransportError("timeout")));
      });
    const stop = start();
    stop();
    finish();
    expect(await untilNext()).toBeUndefined();
    expect(lines).toEqual([]);
  });
});
