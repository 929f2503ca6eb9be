// Starts the proxy as users do, on real sockets: the command line on Node, the Worker in workerd.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { CLI } from "./build-cli.ts";
import { WORKER_BUILD } from "./build-worker.ts";
import { NONCE } from "./call.ts";
import { collect, end, waitForLine } from "./child.ts";
import { withTimeForAll } from "./config.ts";
import { serveWorkerd, type WorkerdOptions } from "./workerd.ts";

export type Runtime = "node" | "workerd";

/** The runtime that this run of the specs is about (vitest.config.ts). */
export const RUNTIME = (process.env.RUNTIME ?? "node") as Runtime;

export interface Host {
  /** Where getToken is served. */
  url: string;
  /** Node only; on Workers the health is beside getToken. */
  adminUrl: string | undefined;
  process: ChildProcess;
  /** All that it has written to standard output and standard error. */
  output(): string;
  close(): Promise<void>;
}

/** `port` is for a proxy that must know its own address; the rest is only for workerd. */
export interface HostOptions extends WorkerdOptions {
  runtime?: Runtime;
}

/**
 * @param file the configuration file: text, or an object (JSON is YAML)
 * @param secrets environment variables, or bindings of the Worker
 */
export async function startHost(
  file: string | object,
  secrets: Record<string, string>,
  options: HostOptions = {},
): Promise<Host> {
  const { runtime = RUNTIME, port } = options;
  const server = port === undefined ? {} : { server: { listen: `127.0.0.1:${port}`, admin: "127.0.0.1:0" } };
  const text = typeof file === "string" ? file : JSON.stringify({ ...withTimeForAll(file), ...server }, null, 2);
  const host = await (runtime === "node" ? startNode(text, secrets) : startWorkerd(text, secrets, options));
  return {
    ...host,
    async close() {
      await host.close();
      assertSilent(host.output(), secrets);
    },
  };
}

/** In every test: nothing that the proxy has written contains a secret or the nonce of a call. */
export function assertSilent(output: string, secrets: Record<string, string>): void {
  for (const [name, text] of Object.entries({ ...secrets, NONCE })) {
    // The middle of a key in PEM is its lines without those that name the format.
    const secret = text.includes("-----BEGIN") ? (text.split("\n")[1] ?? "") : text;
    if (secret.length >= 8 && output.includes(secret)) throw new Error(`the proxy has written the secret ${name}`);
  }
}

/** Waits until Node has noticed everything on its connections: it has answered later requests. */
export async function noticed({ adminUrl }: { adminUrl: string | undefined }): Promise<void> {
  for (let i = 0; i < 3; i++) await fetch(`${adminUrl}/healthz`);
}

async function startNode(text: string, secrets: Record<string, string>): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-"));
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, text);
  const child = spawn(process.execPath, [CLI, "start", "--config", path], {
    env: { PATH: process.env.PATH, ...secrets },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const started = await waitForLine(child, child.stdout as Readable, output, (line) => {
    const parsed = line.startsWith("{") ? JSON.parse(line) : {};
    return parsed.event === "started" ? (parsed as { listen: string; admin: string }) : undefined;
  });
  return { url: started.listen, adminUrl: started.admin, process: child, output, close: () => end(child, folder) };
}

async function startWorkerd(text: string, secrets: Record<string, string>, options: HostOptions): Promise<Host> {
  const built = await readdir(WORKER_BUILD);
  const fileModule = built.find((name) => name.endsWith("-token-proxy.yaml"));
  if (fileModule === undefined) throw new Error("the built Worker holds no configuration file");
  const modules = [
    { name: "worker.js", kind: "esModule" as const, text: await readFile(join(WORKER_BUILD, "worker.js"), "utf8") },
    { name: fileModule, kind: "text" as const, text },
  ];
  return { ...(await serveWorkerd({ modules, bindings: secrets }, options)), adminUrl: undefined };
}
