// The status page in a browser. Pictures are kept in build/status-page.

import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ServerType, serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { FAILURES_BEFORE_SUSPENSION } from "../../../src/oauth/breaker.ts";
import { CALL, callGetToken, NONCE } from "../../support/call.ts";
import { itInChromium, NOT_ACCESSIBLE, OVERFLOWING, picture, useChromium } from "../../support/chromium.ts";
import { fileConfig, providerConfig, SECRETS } from "../../support/config.ts";
import { startHost } from "../../support/host.ts";
import { freePort } from "../../support/port.ts";
import { runCli } from "../../support/process.ts";
import { json, startRecordingProvider, token } from "../../support/recording-provider.ts";
import { busySnapshot, call, provider, snapshot } from "../../support/status-snapshot.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
const ANSWER = `\n{ "access_token":  "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",\r\n "note": "</pre>Zoë" }\n`;

const { open } = useChromium();
const servers: ServerType[] = [];
let current: Snapshot;
let url: string;
let calls = 0;

async function listenOn(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  const server = serve({ fetch, hostname: "127.0.0.1", port: 0 });
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const app = createAdminApp({
    snapshot: () => current,
    metrics: async () => "",
    adminHosts: () => [],
    async tryIt() {
      calls += 1;
      return { status: 200, contentType: "application/json", bytes: Buffer.from(ANSWER) };
    },
  });
  url = await listenOn(async (request) => app.fetch(request));
});
afterAll(() => {
  for (const server of servers) server.close();
});

describe("the status page", () => {
  for (const scheme of ["light", "dark"] as const) {
    for (const width of [1_280, 390]) {
      itInChromium(`fits ${width} px in the ${scheme} scheme, and loads nothing else`, async () => {
        current = busySnapshot();
        const { page, requests, said } = await open(`${url}/?paused`, { scheme, width });
        await picture(page, `busy-${scheme}-${width}`);
        expect(await page.evaluate(OVERFLOWING)).toEqual([]);
        expect([requests, said]).toEqual([[`${url}/?paused`], []]);
        const ground = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
        expect(ground).toBe(scheme === "light" ? "rgb(244, 246, 248)" : "rgb(17, 22, 28)");
      });
    }
  }

  itInChromium("fits 320 px, where the table of calls scrolls by keyboard", async () => {
    current = busySnapshot();
    const { page } = await open(`${url}/?paused`, { width: 320 });
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
    await page.getByRole("group", { name: "Last calls" }).focus();
    await page.keyboard.press("ArrowRight");
    const scrolled = () => page.evaluate<number>(`document.querySelector("#calls .scroll").scrollLeft`);
    await expect.poll(scrolled, { timeout: 10_000 }).toBeGreaterThan(0);
  });

  itInChromium("can be read with a screen reader", async () => {
    current = busySnapshot();
    const { page } = await open(`${url}/?paused`);
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    expect(await page.title()).toBe("Not ready: 1 of 4 providers · nextauth-token-proxy");
    const counts = await Promise.all([
      page.getByRole("heading", { name: "Not ready: 1 of 4 providers", level: 1 }).count(),
      page.getByRole("article", { name: "staff" }).getByText("Suspended", { exact: true }).first().count(),
      page.getByRole("img", { name: /^Calls to retail in the last 30 minutes: [\d,]+ tokens/ }).count(),
      page.getByRole("table", { name: /^Newest first/ }).count(),
      page.getByRole("columnheader", { name: "Outcome" }).count(),
    ]);
    expect(counts).toEqual([1, 1, 1, 1, 1]);
  });

  itInChromium("refreshes itself until that is stopped, by keyboard or click", async () => {
    current = snapshot();
    const { page } = await open(`${url}/?paused`);
    await page.keyboard.press("Tab");
    const focused = "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]";
    expect(await page.evaluate(focused)).toEqual(["Resume refreshing", "solid"]);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${url}/`);
    await page.waitForRequest(`${url}/`, { timeout: 20_000 });
    await page.getByRole("link", { name: "Stop refreshing" }).click();
    await page.waitForURL(`${url}/?paused`);
    expect(await page.locator("meta[http-equiv]").count()).toBe(0);
  });

  itInChromium("shows markup in a value as text", async () => {
    current = snapshot({ providers: [provider({ name: HOSTILE })], calls: [call({ route: HOSTILE })] });
    const { page, said, requests } = await open(`${url}/?paused`, { width: 320 });
    expect(await page.locator("article h3").textContent()).toBe(HOSTILE);
    expect(await page.locator("script, img").count()).toBe(0);
    expect([said, requests.length]).toEqual([[], 1]);
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
  });

  itInChromium("shows the calls of a running proxy, and nothing about users or secrets", async () => {
    const upstream = await startRecordingProvider();
    const file = {
      providers: {
        retail: providerConfig(upstream.tokenEndpoint),
        down: providerConfig(`http://127.0.0.1:${await freePort()}/token`),
      },
      routes: [{ serverid: "ZG93bg==", provider: "down" }, { provider: "retail" }],
    };
    const host = await startHost(fileConfig("", { file }), SECRETS, { runtime: "node" });
    try {
      const getToken = (serverid: string) => callGetToken(host.url, { body: { ...CALL, serverid } });
      upstream.answer = token();
      await getToken("any");
      upstream.answer = json({ error: "access_denied" }, 403);
      await getToken("any");
      for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await getToken("ZG93bg==");
      const suspended = await getToken("ZG93bg==");
      await callGetToken(host.url, { headers: { "X-apikey": "wrong" } });

      const { page, said } = await open(`${host.adminUrl}/?paused`);
      const down = await page.getByRole("article", { name: "down" }).ariaSnapshot();
      expect(down).toMatch(/heading "down" \[level=3\]\s+- text: (?:Suspended|Trying again)\s/);
      expect(await page.getByRole("img", { name: "1 token, 1 refused, 0 errors" }).count()).toBe(1);
      const table = await page.getByRole("table", { name: "Newest first" }).ariaSnapshot();
      const rows = [...table.matchAll(/ row "\d\d:\d\d:\d\d (.*)":/g)].map(([, row]) => row);
      expect(rows).toHaveLength(2 + FAILURES_BEFORE_SUSPENSION + 2);
      expect(rows[0]).toMatch(/^\/getToken – – caller_unauthenticated 401 /);
      expect(rows[1]).toMatch(/^\/getToken nextauth-server down provider_suspended 503 /);
      expect(rows[1]).toContain(suspended.headers["x-request-id"]);
      expect(rows.at(-2)).toMatch(/^\/getToken nextauth-server retail refused 403 /);
      expect(rows.at(-1)).toMatch(/^\/getToken nextauth-server retail token 200 /);
      const all = await page.content();
      for (const hidden of [CALL.userid, NONCE, ...Object.values(SECRETS)]) expect(all).not.toContain(hidden);
      expect(said).toEqual([]);
    } finally {
      await host.close();
      await upstream.close();
    }
  });
});

describe("Try it", () => {
  itInChromium("makes a call, and shows the answer byte for byte", async () => {
    current = snapshot();
    const { page, said } = await open(`${url}/`);
    await page.getByRole("link", { name: "Open the form" }).click();
    await page.getByLabel("userid").fill("Zoë & co");
    await page.getByRole("button", { name: "Call getToken" }).click();
    await page.waitForURL(`${url}/try-it`);
    expect(await page.getByRole("region", { name: "TokenResult" }).textContent()).toBe(ANSWER);
    expect(await page.getByLabel("userid").inputValue()).toBe("Zoë & co");
    const claims = await page.getByRole("region", { name: "access_token, decoded" }).textContent();
    expect(JSON.parse(claims ?? "")).toEqual({ sub: "alice" });
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    await picture(page, "try-it-light-1280");
    await page.setViewportSize({ width: 320, height: 900 });
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "try-it-dark-320");
    expect(said).toEqual([]);
  });

  itInChromium("rejects the form of a page on another port", async () => {
    const form = `<form method="post" action="${url}/try-it"><input name="userid" value="mallory"><button>send</button></form>`;
    const elsewhere = await listenOn(() => new Response(form, { headers: { "Content-Type": "text/html" } }));
    const before = calls;
    const { page } = await open(elsewhere);
    await page.getByRole("button").click();
    await page.getByText("send this form from the status page").waitFor();
    expect(calls).toBe(before);
  });

  itInChromium("gets a token in dev mode", async () => {
    const folder = await mkdtemp(join(tmpdir(), "token-proxy-dev-"));
    const run = runCli(["start"], { cwd: folder });
    try {
      const [, adminUrl] = await run.said(/status page +(http:\/\/\S+?)\/?\n/);
      await run.said(/Ctrl-C/);
      const { page } = await open(`${adminUrl}/?paused`);
      await page.getByLabel("userid").fill("Zoë");
      await page.getByLabel("accountid").fill("12");
      await page.getByRole("button", { name: "Call getToken" }).click();
      await page.getByText("Status 200").waitFor();
      const claims = await page.getByRole("region", { name: "access_token, decoded" }).textContent();
      expect(JSON.parse(claims ?? "")).toMatchObject({ sub: "Zoë", accountid: "12" });
    } finally {
      run.process.kill("SIGKILL");
      await run.exit();
      await rm(folder, { recursive: true });
    }
  });
});
