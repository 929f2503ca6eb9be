// A headless Chromium for tests of what people see: the one of the machine, never one that is downloaded.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { it } from "vitest";

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

/** In CI a Chromium that is missing is a fault, unless CHROMIUM=none says that there can be none. */
const IS_SKIPPED = EXECUTABLE === undefined && (process.env.CI !== "true" || process.env.CHROMIUM === "none");

/** Skipped where there is no Chromium, with the reason in the name. */
export function itInChromium(name: string, body: () => Promise<void>): void {
  it.skipIf(IS_SKIPPED)(IS_SKIPPED ? `${name} [skipped: no Chromium here]` : name, body);
}

/** @returns undefined where the tests are skipped */
export async function launchChromium(): Promise<Browser | undefined> {
  if (IS_SKIPPED) return undefined;
  if (EXECUTABLE === undefined) {
    throw new Error(
      "no Chromium is on the PATH: install it, name it in CHROMIUM, or skip its tests with CHROMIUM=none",
    );
  }
  // Its sandbox does not start for root, as whom containers run; what it opens here is our own.
  return chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox"] });
}
