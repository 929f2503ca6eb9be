// A proxy whose whole output can be searched: its log, its spans and its admin listener.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { CLI } from "./build-cli.ts";
import { makeCanary } from "./canaries.ts";
import { collect, end, waitForLine } from "./child.ts";
import type { WrittenSpan } from "./leak-register.ts";
import { SECRETS } from "./leak-world.ts";

const REGISTER = new URL("./leak-register.ts", import.meta.url).href;

/** Names in the file, which appear wherever calls are reported: they show that the search works. */
export const MARKERS = {
  caller: makeCanary("the caller's name"),
  provider: makeCanary("the provider's name"),
};

const nameOf = (marker: (typeof MARKERS)[keyof typeof MARKERS]) => `n-${marker.needles[0]}`;

/** The file with its caller `all` and its provider `main` called by the markers. */
export function marked(file: object, changes: object = {}): object {
  const { callers, providers, routes, ...rest } = file as {
    callers: Record<string, unknown>;
    providers: Record<string, unknown>;
    routes: { serverid: string; provider: string }[];
  };
  const provider = nameOf(MARKERS.provider);
  const { all, ...otherCallers } = callers;
  const { main, ...otherProviders } = providers;
  return {
    ...rest,
    callers: { [nameOf(MARKERS.caller)]: all, ...otherCallers },
    providers: { [provider]: main, ...otherProviders },
    routes: routes.map((route) => (route.provider === "main" ? { ...route, provider } : route)),
    ...changes,
  };
}

export interface Observed {
  url: string;
  adminUrl: string;
  pid: number;
  /** The environment that it was given. */
  env: Record<string, string>;
  /** All that it has written to standard output and standard error. */
  output(): string;
  spans(): WrittenSpan[];
  /** A page of the admin listener with its headers; undefined if it does not exist. */
  page(path: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** On Node, with an OpenTelemetry SDK around it. */
export async function startObserved(file: object): Promise<Observed> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-observed-"));
  const path = join(folder, "token-proxy.yaml");
  const spansFile = join(folder, "spans");
  await writeFile(path, JSON.stringify(file, null, 2));
  await writeFile(spansFile, "");
  const env = { PATH: process.env.PATH as string, SPANS_FILE: spansFile, ...SECRETS };
  const child = spawn(process.execPath, ["--import", REGISTER, CLI, "start", "--config", path], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const [, url, adminUrl] = await waitForLine(child, child.stdout as Readable, output, (line) => {
    // In both formats.
    const match = /"?listen"?[:=]"?(http[^"\s]+)"?[, ]"?admin"?[:=]"?(http[^"\s]+)/.exec(line);
    return match === null ? undefined : (match as unknown as [string, string, string]);
  });
  return {
    url,
    adminUrl,
    pid: child.pid as number,
    env,
    output,
    spans: () =>
      readFileSync(spansFile, "utf8")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line)),
    async page(path) {
      const response = await fetch(adminUrl + path);
      const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
      return response.status === 404 ? undefined : text;
    },
    close: () => end(child, folder),
  };
}
