// The routes of the admin listener.

import { describe, expect, it } from "vitest";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { STATUS_PAGE_HEADERS } from "../../../src/node/admin/status-page.ts";
import type { TryItCall } from "../../../src/node/admin/try-it.ts";
import { listen } from "../../../src/node/inbound/listener.ts";
import { exchange, request } from "../../support/raw-call.ts";
import { NOW, provider, snapshot } from "../../support/status-snapshot.ts";

async function get(path: string, changes: Partial<Snapshot> = {}) {
  const app = createAdminApp({
    snapshot: () => snapshot(changes),
    metrics: async () => "a_metric 1\n",
    adminHosts: () => [],
  });
  const response = await app.request(path);
  const { status, headers } = response;
  return {
    status,
    cache: headers.get("cache-control"),
    type: headers.get("content-type"),
    body: await response.text(),
  };
}

const PROBLEM = 'the provider "providers.b" cannot be reached';
const NOT_READY = provider({ name: "b", ready: false, problem: PROBLEM });

it.each([{ providers: [NOT_READY] }, { draining: true }])(
  "/healthz does not depend on providers or shutdown",
  async (changes) => {
    expect(await get("/healthz", changes)).toMatchObject({ status: 200, cache: "no-store", body: '{"status":"ok"}' });
  },
);

describe("/readyz", () => {
  it("is 200 if every provider is ready, and shows the last outcomes", async () => {
    const { status, cache, body } = await get("/readyz", {
      providers: [
        provider({ name: "a", last: { outcome: "provider_timeout", at: NOW - 12_400 } }),
        provider({ name: "b" }),
      ],
      nextauth: [{ key: "nextauth", last: { outcome: "answered", at: NOW - 1_000 } }],
      in_flight: 3,
    });
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

  it("names a provider that refuses everybody, and stays 200", async () => {
    const { status, body } = await get("/readyz?verbose", { providers: [provider({ refuses_everybody: true })] });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: "ready", providers: { retail: { refuses_everybody: true } } });
  });

  it("is 503 while one provider is not ready, and says why", async () => {
    const { status, body } = await get("/readyz", { providers: [provider({ name: "a" }), NOT_READY] });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({
      status: "not ready",
      providers: { a: { ready: true }, b: { ready: false, problem: PROBLEM } },
    });
  });

  it("is 503 during shutdown", async () => {
    const { status, body } = await get("/readyz", { draining: true });
    expect([status, JSON.parse(body).status]).toEqual([503, "shutting down"]);
  });
});

it("/metrics is in Prometheus' text format", async () => {
  const type = "text/plain; version=0.0.4; charset=utf-8";
  expect(await get("/metrics")).toMatchObject({ status: 200, type, body: "a_metric 1\n" });
});

it("/version is that of the proxy and of Node", async () => {
  expect((await get("/version")).body).toBe('{"version":"0.1.0","node":"24.21.0"}');
});

describe("the host name of a request", () => {
  const app = createAdminApp({
    snapshot: () => snapshot(),
    metrics: async () => "",
    adminHosts: () => ["metrics.bank.example"],
  });

  it.each([
    ...["127.0.0.1:9613", "127.0.0.1", "10.1.2.3:9613", "[::1]:9613", "[2001:db8::1]", "[::ffff:10.0.0.1]"],
    ...["localhost", "localhost:9613", "LocalHost", "localhost.", "token-proxy.localhost:9613"],
    ...["metrics.bank.example", "metrics.bank.example:9613", "METRICS.Bank.Example", "metrics.bank.example."],
  ])("may be %s", async (host) => {
    for (const path of ["/", "/readyz", "/healthz", "/metrics", "/version"]) {
      expect((await app.request(`http://${host}${path}`)).status).toBe(200);
    }
  });

  it.each([
    ...["evil.example", "evil.example:9613", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost"],
    ...["bank.example", "evil.metrics.bank.example", "metrics.bank.example.evil.example", "metrics.bank.example.."],
  ])("must not be %s: a web page could have made it lead here", async (host) => {
    for (const path of ["/", "/readyz", "/healthz", "/metrics", "/version", "/nothing"]) {
      const response = await app.request(`http://${host}${path}`);
      expect([response.status, await response.text()]).toEqual([
        421,
        'this host name is not accepted here: use the IP address, or add the name to "server.admin_hosts"',
      ]);
      expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
    }
  });

  it("must be one that a URL can have, which 1.2.3.4.5 is not", async () => {
    const listener = await listen(app.fetch, { host: "127.0.0.1", port: 0 }, "server.admin");
    const { status } = await exchange(listener.url, request("GET", "/version", { Host: "1.2.3.4.5" }, ""));
    await listener.close(0);
    expect(status).toBe(421);
  });
});

describe("the status page", () => {
  it("is sent with its security headers", async () => {
    const app = createAdminApp({ snapshot: () => snapshot(), metrics: async () => "", adminHosts: () => [] });
    const { headers } = await app.request("/");
    expect(Object.fromEntries(headers)).toMatchObject({
      ...Object.fromEntries(new Headers(STATUS_PAGE_HEADERS)),
      "x-content-type-options": "nosniff",
    });
  });

  it("refreshes itself, and ?paused stops that", async () => {
    expect(await get("/")).toMatchObject({
      status: 200,
      type: "text/html; charset=UTF-8",
      cache: "no-store",
      body: expect.stringContaining('<meta http-equiv="refresh" content="5">'),
    });
    expect((await get("/?paused")).body).not.toContain('http-equiv="refresh"');
  });

  it("has no form outside dev mode", async () => {
    expect((await get("/?paused")).body).not.toContain("<form");
    expect((await get("/try-it")).status).toBe(404);
  });
});

describe("the form of dev mode", () => {
  const calls: TryItCall[] = [];
  const app = createAdminApp({
    snapshot: () => snapshot(),
    metrics: async () => "",
    adminHosts: () => [],
    async tryIt(call) {
      calls.push(call);
      return { status: 200, contentType: "application/json", bytes: Buffer.from('{"access_token":"<b>"}') };
    },
  });

  it.each<[string, string, string, number, string]>([
    [
      "makes the call and shows the answer",
      "userid=bob&accountid=7",
      "same-origin",
      200,
      "{&quot;access_token&quot;:&quot;&lt;b&gt;",
    ],
    [
      "makes no call for another page",
      "userid=bob&accountid=7",
      "cross-site",
      403,
      "send this form from the status page",
    ],
    ["makes no call without a userid", "userid=&accountid=7", "same-origin", 200, "No call was made"],
    ["makes no call for a body that is too large", `userid=${"x".repeat(70_000)}`, "same-origin", 400, "call"],
    ["makes no call for faulty encoding", "userid=%ff&accountid=7", "same-origin", 400, "percent-encoding"],
  ])("%s", async (what, body, site, status, text) => {
    calls.length = 0;
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": site };
    const response = await app.request("http://localhost:9613/try-it", { method: "POST", body, headers });
    const page = await response.text();
    expect([response.status, page]).toEqual([status, expect.stringContaining(text)]);
    expect(page).not.toContain('http-equiv="refresh"');
    expect(calls).toEqual(what.startsWith("makes the call") ? [{ userid: "bob", accountid: 7 }] : []);
  });
});

it("a bug is answered without quoting the error", async () => {
  const app = createAdminApp({
    snapshot: () => snapshot(),
    metrics: async () => Promise.reject(new Error("a secret")),
    adminHosts: () => [],
  });
  const response = await app.request("/metrics");
  expect([response.status, await response.text()]).toEqual([500, "internal error: please report this as a bug"]);
});

it("all other paths are 404", async () => {
  for (const path of ["/getToken", "/token", "/healthz/", "/metrics/x"]) {
    expect(await get(path), path).toMatchObject({ status: 404, cache: "no-store" });
  }
});
