// The admin listener says that the process lives, whether calls can be served, and what came of the last ones.

import { describe, expect, it } from "vitest";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import type { ProviderSnapshot, Snapshot } from "../../../src/node/admin/snapshot.ts";
import { emptySnapshot, providerSnapshot } from "./snapshots.ts";

async function ask(path: string, snapshot: Snapshot | undefined) {
  const app = createAdminApp({ snapshot: async () => snapshot, metrics: async () => "a_metric 1\n" });
  const answer = await app.request(path);
  const { status, headers } = answer;
  return { status, cache: headers.get("cache-control"), type: headers.get("content-type"), body: await answer.text() };
}

const withProviders = (providers: ProviderSnapshot[], changes: Partial<Snapshot> = {}) => ({
  ...emptySnapshot(),
  providers,
  ...changes,
});
const PROBLEM = 'the provider "providers.b" cannot be reached';
const NOT_READY = providerSnapshot("b", { ready: false, problem: PROBLEM });

describe("liveness", () => {
  it.each([withProviders([NOT_READY]), withProviders([providerSnapshot("a")], { draining: true }), undefined])(
    "is told whatever the providers and the drain are like",
    async (snapshot) => {
      expect(await ask("/healthz", snapshot)).toMatchObject({
        status: 200,
        cache: "no-store",
        body: '{"status":"ok"}',
      });
    },
  );
});

describe("readiness", () => {
  it("is there when every provider has what it needs, with what came of the last calls", async () => {
    const at = emptySnapshot().at;
    const snapshot = withProviders(
      [providerSnapshot("a", { last: { outcome: "provider_timeout", at: at - 12_400 } }), providerSnapshot("b")],
      { nextauth: [{ key: "nextauth", last: { outcome: "answered", at: at - 1_000 } }], in_flight: 3 },
    );
    const { status, cache, body } = await ask("/readyz", snapshot);
    expect([status, cache]).toEqual([200, "no-store"]);
    expect(JSON.parse(body)).toEqual({
      status: "ready",
      in_flight: 3,
      providers: {
        a: { ready: true, breaker: "closed", last: { outcome: "provider_timeout", seconds_ago: 12 } },
        b: { ready: true, breaker: "closed" },
      },
      nextauth: { nextauth: { last: { outcome: "answered", seconds_ago: 1 } } },
    });
  });

  it("is not there while one provider lacks its metadata, and the problem is told", async () => {
    const { status, body } = await ask("/readyz", withProviders([providerSnapshot("a"), NOT_READY]));
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      status: "not ready",
      providers: { a: { ready: true }, b: { ready: false, problem: PROBLEM } },
    });
  });

  it("is not there during shutdown", async () => {
    const { status, body } = await ask("/readyz", withProviders([providerSnapshot("a")], { draining: true }));
    expect([status, JSON.parse(body).status]).toEqual([503, "shutting down"]);
  });

  it("is not there where no process says how it is", async () => {
    expect(await ask("/readyz", undefined)).toMatchObject({ status: 503, body: '{"status":"no process serves"}' });
  });
});

it("metrics are what Prometheus reads", async () => {
  const type = "text/plain; version=0.0.4; charset=utf-8";
  expect(await ask("/metrics", undefined)).toMatchObject({ status: 200, type, body: "a_metric 1\n" });
});

it("the version is told", async () => {
  expect((await ask("/version", emptySnapshot())).body).toBe('{"version":"1.2.3","node":"24.0.0"}');
});

describe("the status page", () => {
  it("is there, may be paused, and has no form to try a call outside of dev mode", async () => {
    const { status, type, body } = await ask("/", emptySnapshot());
    expect([status, type]).toEqual([200, "text/html; charset=utf-8"]);
    expect(body).toContain('http-equiv="refresh"');
    expect(body).not.toContain("<form");
    expect((await ask("/?paused", emptySnapshot())).body).not.toContain('http-equiv="refresh"');
    expect((await ask("/try-it", emptySnapshot())).status).toBe(404);
  });

  it("says so where no process tells how it is", async () => {
    expect(await ask("/", undefined)).toMatchObject({ status: 503, body: "no process serves" });
  });
});

describe("a try in dev mode", () => {
  const asked: unknown[] = [];
  const app = createAdminApp({
    snapshot: async () => emptySnapshot(),
    metrics: async () => "",
    async tryIt(call) {
      asked.push(call);
      return {
        status: 200,
        contentType: "application/json",
        bytes: new TextEncoder().encode('{"access_token":"<b>"}'),
      };
    },
  });
  const send = (
    body: string,
    headers: Record<string, string> = { "Sec-Fetch-Site": "same-origin" },
    host = "localhost",
  ) =>
    app.request(`http://${host}:9613/try-it`, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
    });

  it("asks for the token of whom the form names, and shows the answer without taking it for HTML", async () => {
    const text = await (await send("userid=bob&accountid=7")).text();
    expect(asked).toEqual([{ userid: "bob", accountid: 7 }]);
    expect(text).toContain("&lt;b&gt;");
    expect(text).not.toContain("<b>");
  });

  it.each<[string, Record<string, string>, string?]>([
    ["another site", { "Sec-Fetch-Site": "cross-site" }],
    ["another origin", { Origin: "https://evil.example" }],
    ["nowhere", {}],
    ["a name that was pointed at this machine", { "Sec-Fetch-Site": "same-origin" }, "evil.example"],
  ])("is refused that comes from %s", async (_what, headers, host) => {
    asked.length = 0;
    expect((await send("userid=bob&accountid=7", headers, host)).status).toBe(403);
    expect(asked).toEqual([]);
  });

  it.each(["userid=&accountid=7", "accountid=7", `userid=${"x".repeat(70_000)}&accountid=7`])(
    "that names nobody asks for nothing",
    async (body) => {
      asked.length = 0;
      expect((await send(body)).status).toBeLessThan(500);
      expect(asked).toEqual([]);
    },
  );
});

it("nothing else is there, getToken least of all", async () => {
  for (const path of ["/getToken", "/token", "/healthz/", "/metrics/x"]) {
    expect(await ask(path, emptySnapshot()), path).toMatchObject({ status: 404, cache: "no-store" });
  }
});
