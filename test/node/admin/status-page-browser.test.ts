// The status page in a browser. Pictures are kept in build/status-page.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { createStandIn } from "../../../src/cli/dev/nextauth-server.ts";
import { phoneForm } from "../../../src/cli/dev/phone.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { createAdminApp } from "../../../src/node/admin/admin.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { itInChromium, NOT_ACCESSIBLE, OVERFLOWING, picture, useChromium } from "../../support/chromium.ts";
import { fileConfig } from "../../support/config.ts";
import { busySnapshot, snapshot } from "../../support/status-snapshot.ts";

const ANSWER = `\n{ "access_token":  "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",\r\n "note": "</pre>Zoë" }\n`;

const { open } = useChromium();
const servers: ServerType[] = [];
let current: Snapshot;
let url: string;
/** The page of dev mode. */
const DEV = "/dev/s3cret/";

async function listenOn(fetch: (request: Request) => Response | Promise<Response>): Promise<string> {
  const server = serve({ fetch, hostname: "127.0.0.1", port: 0 });
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  const proxy = await listenOn(() => new Response(ANSWER, { headers: { "Content-Type": "application/json" } }));
  const { config } = parseConfig(JSON.stringify(fileConfig("http://127.0.0.1:1/token")), "test");
  const stage = { config, standIn: createStandIn("key"), url: proxy, apikey: "key-of-the-caller" };
  const admin = { snapshot: () => current, metrics: async () => "", adminHosts: () => [] };
  const dev = { path: DEV, render: (sent?: URLSearchParams) => phoneForm(stage, sent) };
  const plain = createAdminApp(admin);
  const inDev = createAdminApp({ ...admin, dev });
  url = await listenOn(async (request) => (request.url.includes(DEV) ? inDev : plain).fetch(request));
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
        for (const name of ["Outcome", "Status"]) {
          const box = await page.getByRole("columnheader", { name }).boundingBox();
          expect((box?.x ?? width) + (box?.width ?? 0), `${name}, without scrolling`).toBeLessThan(width);
        }
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
    const scrolled = () => page.evaluate<number>(`document.querySelector("section:last-child .scroll").scrollLeft`);
    await expect.poll(scrolled, { timeout: 10_000 }).toBeGreaterThan(0);
  });

  itInChromium("can be read with a screen reader", async () => {
    current = busySnapshot();
    const { page } = await open(`${url}/?paused`);
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    expect(await page.title()).toBe("Not ready: 1 of 4 providers · nextauth-token-proxy");
    const counts = await Promise.all([
      page.getByRole("heading", { name: "Not ready: 1 of 4 providers", level: 1 }).count(),
      page.getByRole("row", { name: /^staff Suspended/ }).count(),
      page.getByRole("button", { name: "Copy the faults" }).count(),
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

describe("the page of dev mode", () => {
  itInChromium("makes a call, and shows it with the answer byte for byte", async () => {
    current = snapshot();
    const { page, said } = await open(url + DEV);
    await page.getByLabel("userid").fill("Zoë & co");
    await page.getByLabel("session").selectOption("expired");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await page.getByText("Status 200").waitFor();
    const block = (name: string) => page.getByRole("region", { name }).textContent();
    expect(await block("The call as it was sent")).toMatch(/^POST \/getToken\nhost: 127[\s\S]*"userid":"Zoë & co"/);
    expect(await block("The response, byte for byte")).toBe(ANSWER);
    expect(JSON.parse((await block("The access_token, decoded; its signature is not verified")) ?? "")).toEqual({
      header: { alg: "none" },
      claims: { sub: "alice" },
    });
    expect(await page.getByLabel("userid").inputValue()).toBe("Zoë & co");
    expect(await page.getByLabel("session").inputValue()).toBe("expired");
    expect(await page.getByText("DEV", { exact: true }).count()).toBe(1);
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    await picture(page, "dev-light-1280");
    await page.setViewportSize({ width: 390, height: 900 });
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "dev-dark-390");
    expect(said).toEqual([]);
  });

  itInChromium("copies what a button is for", async () => {
    current = snapshot();
    const { page, said } = await open(url + DEV);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Call", exact: true }).click();
    for (const [name, text] of [
      ["Copy the response, byte for byte", ANSWER],
      ["Copy repeat it", expect.stringMatching(/^curl -s 'http:\S+' -H .* --data-raw '/)],
    ]) {
      const button = page.getByRole("button", { name: name as string });
      await button.click();
      await expect.poll(() => button.textContent(), { timeout: 10_000 }).toBe("Copied");
      expect(await page.evaluate("navigator.clipboard.readText()")).toEqual(text);
    }
    expect(said).toEqual([]);
  });

  itInChromium("rejects the form of a page on another port, even with the secret", async () => {
    const form = `<form method="post" action="${url}${DEV}"><button>send</button></form>`;
    const elsewhere = await listenOn(() => new Response(form, { headers: { "Content-Type": "text/html" } }));
    const { page } = await open(elsewhere);
    await page.getByRole("button").click();
    await page.getByText("send this form from its own page").waitFor();
  });
});
