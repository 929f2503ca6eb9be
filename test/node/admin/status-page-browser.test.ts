// The status page in a browser. Pictures are kept in build/status-page.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { itInChromium, NOT_ACCESSIBLE, OVERFLOWING, picture, useChromium } from "../../support/chromium.ts";
import { busySnapshot, snapshot } from "../../support/status-snapshot.ts";

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
});
