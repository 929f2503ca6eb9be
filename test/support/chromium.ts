// A headless Chromium for tests of what people see: the one of this machine, never a download.

import { accessSync, constants, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, it } from "vitest";

const PICTURES = "build/status-page";
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** CHROMIUM is its path, or `none` where there is to be no such test. */
const EXECUTABLE = process.env.CHROMIUM === "none" ? undefined : (process.env.CHROMIUM ?? onPath());

function onPath(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** In CI a missing Chromium is an error, unless CHROMIUM=none. */
const IS_SKIPPED = EXECUTABLE === undefined && (process.env.CI !== "true" || process.env.CHROMIUM === "none");

/** Skipped where there is no Chromium, with the reason in the name. */
export function itInChromium(name: string, body: () => Promise<void>): void {
  it.skipIf(IS_SKIPPED)(IS_SKIPPED ? `${name} [skipped: no Chromium here]` : name, body);
}

/** @returns undefined where the tests are skipped */
async function launchChromium(): Promise<Browser | undefined> {
  if (IS_SKIPPED) return undefined;
  if (EXECUTABLE === undefined) {
    throw new Error(
      "no Chromium is on the PATH: install it, name it in CHROMIUM, or skip its tests with CHROMIUM=none",
    );
  }
  // Its sandbox does not start for root, as whom containers run; what it opens here is our own.
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox", "--disable-gpu"] });
}

interface Look {
  scheme?: "light" | "dark";
  width?: number;
}

export interface Opened {
  page: Page;
  /** All its requests. */
  requests: string[];
  /** Messages of the console and of dialogs. */
  said: string[];
}

/** One browser for a test file. Each page has its own context, which ends with the test. */
export function useChromium(): { open(address: string, look?: Look): Promise<Opened> } {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterEach(async () => {
    for (const context of browser?.contexts() ?? []) await context.close();
  });
  afterAll(async () => {
    await browser?.close();
  });
  return {
    open: (address, look = {}) => openPage(browser as Browser, address, look),
  };
}

async function openPage(browser: Browser, address: string, { scheme = "light", width = 1_280 }: Look): Promise<Opened> {
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height: 900 } });
  const page = await context.newPage();
  const requests: string[] = [];
  const said: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(error.message));
  page.on("dialog", (dialog) => {
    said.push(dialog.message());
    return dialog.dismiss();
  });
  await page.goto(address);
  return { page, requests, said };
}

/** Kept by CI. On a busy machine Chromium sometimes fails with "Unable to capture screenshot". */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(PICTURES, { recursive: true });
  const take = () => page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage: true });
  await take().catch(take).catch(take);
}

/** Headings out of order, tables without a caption, and other faults for screen readers. */
export const NOT_ACCESSIBLE = `(() => {
  const faults = [];
  let rank = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const own = Number(heading.tagName[1]);
    if (own > rank + 1) faults.push("out of order: " + heading.textContent);
    rank = own;
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  if (document.title === "" || document.documentElement.lang !== "en") faults.push("no title or language");
  if (document.querySelectorAll("header, main").length !== 2) faults.push("no landmarks");
  for (const table of document.querySelectorAll("table")) if (!table.caption?.textContent) faults.push("table without a caption");
  for (const box of document.querySelectorAll(".scroll, pre")) if (!box.hasAttribute("tabindex")) faults.push("a box that scrolls, without the keyboard");
  for (const th of document.querySelectorAll("th")) if (!th.scope) faults.push("th without a scope: " + th.textContent);
  for (const input of document.querySelectorAll("input")) if (input.labels.length !== 1) faults.push("input without a label");
  return faults;
})()`;

/** Elements outside the window, except inside a box that scrolls. */
export const OVERFLOWING = `[...document.body.querySelectorAll("*")]
  .filter((element) => element.closest(".scroll table") === null && element.closest("svg svg, svg *") === null)
  .filter((element) => { const { left, right } = element.getBoundingClientRect(); return left < 0 || right > innerWidth + 0.5; })
  .map((element) => element.outerHTML.slice(0, 120))`;
