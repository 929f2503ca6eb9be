// The status page in a browser: what people see of it and can do with it. The pictures are kept in build/status-page.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { STATUS_PAGE_HEADERS, statusPage } from "../../../src/node/admin/page.ts";
import { isSameOrigin, parseTryIt, tryItResult } from "../../../src/node/admin/try-it.ts";
import { itInChromium, NOT_ACCESSIBLE, OVERFLOWING, picture, useChromium } from "../../support/chromium.ts";
import { busySnapshot, call, NOW, provider, snapshot } from "../../support/status-snapshot.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(1)>'`;
const ANSWER = `\n{ "access_token":  "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",\r\n "note": "</pre>Zoë" }\n`;

/** Each with what a request to its path is shown. */
const PAGES: Record<string, () => string> = {
  "/busy": () => statusPage(busySnapshot(), { now: NOW }),
  "/new": () => statusPage(snapshot(), { now: NOW }),
  "/form": () => statusPage(snapshot(), { now: NOW, paused: true, tryIt: {} }),
  "/hostile": () =>
    statusPage(snapshot({ providers: [provider({ name: HOSTILE })], calls: [call({ route: HOSTILE })] }), { now: NOW }),
};

const { open } = useChromium();
let url: string;
/** A page of another origin with a form like ours. */
let elsewhere: string;
const taken: boolean[] = [];

const site = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const page =
    pathname === "/"
      ? statusPage(snapshot(), { now: Date.now(), paused: searchParams.has("paused"), tryIt: {} })
      : PAGES[pathname]?.();
  if (pathname === "/try-it")
    answerTryIt(request).then((text) => response.writeHead(200, STATUS_PAGE_HEADERS).end(text));
  else response.writeHead(page === undefined ? 404 : 200, STATUS_PAGE_HEADERS).end(page);
});
const other = createServer((_, response) => {
  response.writeHead(200, { "Content-Type": "text/html" });
  response.end(
    `<form method="post" action="${url}/try-it"><input name="userid" value="mallory"><button>send</button></form>`,
  );
});

/** As dev mode does, with an answer that is known. */
async function answerTryIt(incoming: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of incoming) body += chunk;
  const headers = Object.entries(incoming.headersDistinct).map(
    ([name, values]) => [name, (values ?? []).join()] as [string, string],
  );
  const isOurs = isSameOrigin(new Request(`http://${incoming.headers.host}/try-it`, { method: "POST", headers }));
  taken.push(isOurs);
  if (!isOurs) return "not from here";
  const parsed = parseTryIt(new URLSearchParams(body));
  const tryIt = "fault" in parsed ? parsed : tryItResult(200, "application/json", Buffer.from(ANSWER), parsed);
  return statusPage(snapshot(), { now: NOW, tryIt });
}

beforeAll(async () => {
  const listening = [site, other].map(async (server) => {
    await once(server.listen(0, "127.0.0.1"), "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  [url, elsewhere] = (await Promise.all(listening)) as [string, string];
});
afterAll(() => {
  for (const server of [site, other]) server.close();
});

describe("the status page in a browser", () => {
  for (const scheme of ["light", "dark"] as const) {
    for (const width of [1_280, 390]) {
      itInChromium(`is shown ${scheme} at ${width} px, asks for nothing else and upsets nothing`, async () => {
        for (const name of ["busy", "new"]) {
          const { page, requests, said } = await open(`${url}/${name}`, { scheme, width });
          await picture(page, `${name}-${scheme}-${width}`);
          expect(await page.evaluate(OVERFLOWING)).toEqual([]);
          expect([requests, said]).toEqual([[`${url}/${name}`], []]);
        }
      });
    }
  }

  itInChromium("is dark where the system is", async () => {
    const ground = async (scheme: "light" | "dark") => {
      const { page } = await open(`${url}/busy`, { scheme });
      return page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    };
    expect(await ground("light")).toBe("rgb(244, 246, 248)");
    expect(await ground("dark")).toBe("rgb(17, 22, 28)");
  });

  itInChromium("fits into 320 px: what is wider scrolls in a box of its own", async () => {
    for (const name of ["busy", "new", "form", "hostile"]) {
      const { page } = await open(`${url}/${name}`, { width: 320 });
      expect(await page.evaluate(OVERFLOWING)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(320);
    }
    const { page } = await open(`${url}/busy`, { width: 320 });
    await page.getByRole("group", { name: "Last calls" }).focus();
    await page.keyboard.press("ArrowRight");
    const scrolled = () => page.evaluate<number>(`document.querySelector("#calls .scroll").scrollLeft`);
    await expect.poll(scrolled).toBeGreaterThan(0);
  });

  itInChromium("can be read without seeing it", async () => {
    for (const name of ["busy", "new", "form", "hostile"]) {
      const { page } = await open(`${url}/${name}`);
      expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    }
    const { page } = await open(`${url}/busy`);
    expect(await page.title()).toBe("Not ready: 1 of 4 providers · nextauth-token-proxy");
    const seen = await Promise.all([
      page.getByRole("heading", { name: "Not ready: 1 of 4 providers", level: 1 }).count(),
      page.getByRole("article", { name: "staff" }).getByText("Suspended", { exact: true }).first().isVisible(),
      page.getByRole("img", { name: /^Calls to retail in the last 30 minutes: [\d,]+ tokens/ }).count(),
      page.getByRole("table", { name: /^The newest first/ }).count(),
      page.getByRole("columnheader", { name: "Outcome" }).count(),
    ]);
    expect(seen).toEqual([1, true, 1, 1, 1]);
  });

  itInChromium("shows the keyboard where it is, and its first stop ends the refreshing", async () => {
    const { page } = await open(`${url}/`);
    await page.keyboard.press("Tab");
    expect(
      await page.evaluate(
        "[document.activeElement.textContent, getComputedStyle(document.activeElement).outlineStyle]",
      ),
    ).toEqual(["Stop refreshing", "solid"]);
    await page.keyboard.press("Enter");
    await page.waitForURL(`${url}/?paused`);
    await page.getByRole("link", { name: "Go on refreshing" }).click();
    await page.waitForURL(`${url}/`);
  });

  itInChromium(
    "refreshes itself every five seconds where it was scrolled to, and not where that is stopped",
    async () => {
      const [live, paused] = await Promise.all([open(`${url}/`, { width: 390 }), open(`${url}/?paused`)]);
      await live.page.evaluate("scrollTo(0, 300)");
      await live.page.waitForRequest(`${url}/`, { timeout: 12_000 });
      await live.page.waitForLoadState();
      await expect.poll(() => live.page.evaluate("scrollY")).toBe(300);
      await live.page.waitForRequest(`${url}/`, { timeout: 12_000 });
      expect(paused.requests).toEqual([`${url}/?paused`]);
    },
  );

  itInChromium("shows markup in a value as text", async () => {
    const { page, said, requests } = await open(`${url}/hostile`);
    expect(await page.locator("article h3").textContent()).toBe(HOSTILE);
    expect(await page.locator("script, img").count()).toBe(0);
    expect([said, requests.length]).toEqual([[], 1]);
  });
});

describe("Try it in a browser", () => {
  itInChromium("makes a call of its form, and shows the answer's bytes as they came", async () => {
    const { page, said } = await open(`${url}/`);
    await page.getByRole("link", { name: "Open the form" }).click();
    await page.getByLabel("userid").fill("Zoë & co");
    await page.getByRole("button", { name: "Call getToken" }).click();
    await page.waitForURL(`${url}/try-it`);
    expect(taken.at(-1)).toBe(true);
    expect(await page.getByRole("region", { name: "TokenResult" }).textContent()).toBe(ANSWER);
    expect(await page.getByLabel("userid").inputValue()).toBe("Zoë & co");
    expect(JSON.parse((await page.getByRole("region", { name: "access_token, decoded" }).textContent()) ?? "")).toEqual(
      { sub: "alice" },
    );
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    await picture(page, "try-it-light-1280");
    await page.setViewportSize({ width: 320, height: 900 });
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    await picture(page, "try-it-dark-320");
    expect(said).toEqual([]);
  });

  itInChromium("takes no form of another page, though it be on this machine", async () => {
    const { page } = await open(elsewhere);
    await page.getByRole("button").click();
    await page.waitForURL(`${url}/try-it`);
    expect(taken.at(-1)).toBe(false);
  });
});
