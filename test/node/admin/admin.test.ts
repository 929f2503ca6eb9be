// The routes of the admin listener.

import { html } from "hono/html";
import { describe, expect, it } from "vitest";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import { type Snapshot, VERSIONS } from "../../../src/node/admin/snapshot.ts";
import { STATUS_PAGE_HEADERS } from "../../../src/node/admin/status-page.ts";
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
  it("is 200 if the service is ready, and ?verbose shows all providers with their last outcomes", async () => {
    const changes = {
      providers: [
        provider({ name: "a", last: { outcome: "provider_timeout", at: NOW - 12_400 } }),
        provider({ name: "b" }),
      ],
      nextauth: [{ key: "nextauth", last: { outcome: "answered", at: NOW - 1_000 } }],
      in_flight: 3,
    };
    const short = await get("/readyz", changes);
    expect(short).toMatchObject({ status: 200, cache: "no-store", body: '{"status":"ready","providers":{}}' });
    const { status, body } = await get("/readyz?verbose", changes);
    expect(status).toBe(200);
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
    const { status, body } = await get("/readyz?verbose", { providers: [provider({ refusesEverybody: true })] });
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ status: "ready", providers: { retail: { refuses_everybody: true } } });
  });

  it.each([
    [false, 503, "not ready"],
    [true, 200, "ready"],
  ])("names a provider that is not ready, also if the service is: %s", async (ready, expected, text) => {
    const { status, body } = await get("/readyz", { ready, providers: [provider({ name: "a" }), NOT_READY] });
    expect(status).toBe(expected);
    expect(JSON.parse(body)).toEqual({
      status: text,
      providers: { b: { ready: false, problem: PROBLEM, breaker: "closed" } },
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
  expect((await get("/version")).body).toBe(JSON.stringify(VERSIONS));
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

  it("has neither form nor badge outside dev mode", async () => {
    expect((await get("/?paused")).body).not.toMatch(/<form|DEV/);
    expect((await get("/dev/secret/")).status).toBe(404);
  });
});

describe("the page of dev mode", () => {
  const PATH = "/dev/s3cret/";
  const sent: (string | undefined)[] = [];
  const app = createAdminApp({
    snapshot: () => snapshot(),
    metrics: async () => "",
    adminHosts: () => [],
    dev: {
      path: PATH,
      async render(form) {
        sent.push(form?.toString());
        return html`<form method="post"></form>`;
      },
    },
  });
  const ask = async (path: string, init: RequestInit = {}, host = "localhost:9613") => {
    sent.length = 0;
    const response = await app.request(`http://${host}${path}`, init);
    return { status: response.status, headers: response.headers, text: await response.text(), sent: [...sent] };
  };
  const post = (body: string, headers: Record<string, string> = {}, path = PATH, host?: string) =>
    ask(
      path,
      { method: "POST", body, headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers } },
      host,
    );

  it("is the status page with a badge and a form, and does not refresh itself", async () => {
    const opened = await ask(PATH);
    expect([opened.status, opened.sent]).toEqual([200, [undefined]]);
    expect(opened.text).toContain(">DEV</span>");
    expect(opened.text).toContain("<form");
    expect(opened.text).not.toContain('http-equiv="refresh"');
    expect(opened.headers.get("referrer-policy")).toBe("no-referrer");
    const plain = await ask("/");
    expect(plain.text).toContain(">DEV</span>");
    expect(plain.text).not.toMatch(/<form|s3cret/);
  });

  it.each([
    {},
    { "Sec-Fetch-Site": "same-origin" },
    // As browsers do, because of the Referrer-Policy.
    { "Sec-Fetch-Site": "same-origin", Origin: "null" },
    { Origin: "http://localhost:9613" },
  ])("gets what its form sends: %j", async (headers) => {
    const answer = await post("userid=bob&b=c+d", headers);
    expect([answer.status, answer.sent]).toEqual([200, ["userid=bob&b=c+d"]]);
  });

  it.each([
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "none" },
    { Origin: "http://evil.example" },
    { Origin: "http://127.0.0.1:1" },
    { Origin: "null" },
  ])("takes no form from another page, even with the secret: %j", async (headers) => {
    expect(await post("userid=bob", headers)).toMatchObject({ status: 403, sent: [] });
  });

  it.each(["/dev/", "/dev/s3cre/", "/dev/s3cret2/", "/dev/S3cret/", "/dev/s3cret", "/dev/s3cret/x", "/dev//"])(
    "is nowhere without its secret: %s",
    async (path) => {
      for (const answer of [await ask(path), await post("userid=bob", {}, path)]) {
        expect(answer).toMatchObject({ status: 404, text: "404 Not Found", sent: [] });
      }
    },
  );

  it("is not there for a name that DNS can point here", async () => {
    expect(await post("userid=bob", {}, PATH, "evil.example:9613")).toMatchObject({ status: 421, sent: [] });
  });

  it.each([
    ["too large", `userid=${"x".repeat(70_000)}`, "call"],
    ["of faulty encoding", "userid=%ff", "percent-encoding"],
  ])("takes no form that is %s", async (_, body, text) => {
    expect(await post(body)).toMatchObject({ status: 400, text: expect.stringContaining(text), sent: [] });
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
