// Starts the proxy as its users do: the command line on Node, the built Worker in a real workerd. Both on real sockets.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { WORKER_BUILD } from "./build-worker.ts";

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

export interface HostOptions {
  runtime?: Runtime;
  /** A fixed port, where the proxy has to know its own address. */
  port?: number;
  /** workerd only (on Node the file says it): authorities that its connections trust, PEM. */
  trust?: string;
  /** workerd only: bindings that stand for mtls_certificates, with the certificate and key that each presents, PEM. */
  mtls?: Readonly<Record<string, { certificate: string; private_key: string }>>;
  /** workerd only: rate limiting bindings, with the limit that each has; a mock, since Cloudflare's run nowhere else. */
  rateLimits?: Readonly<Record<string, number>>;
}

/** workerd only: the header in which a test gives `request.cf`, as JSON, which Cloudflare fills in. */
export const CF_HEADER = "X-Test-Cf";

const START_TIMEOUT_MS = 20_000;

/**
 * @param file the configuration file: text, or an object (JSON is YAML)
 * @param secrets environment variables, or bindings of the Worker
 */
export function startHost(
  file: string | object,
  secrets: Record<string, string>,
  options: HostOptions = {},
): Promise<Host> {
  const { runtime = RUNTIME, port } = options;
  const server = port === undefined ? {} : { server: { listen: `127.0.0.1:${port}`, admin: "127.0.0.1:0" } };
  const text = typeof file === "string" ? file : JSON.stringify({ ...file, ...server }, null, 2);
  return runtime === "node" ? startNode(text, secrets) : startWorkerd(text, secrets, options);
}

async function startNode(text: string, secrets: Record<string, string>): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-"));
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, text);
  const child = spawn(process.execPath, ["src/cli.ts", "start", "--config", path], {
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
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-"));
  const built = await readdir(WORKER_BUILD);
  const fileModule = built.find((name) => name.endsWith("-token-proxy.yaml"));
  if (fileModule === undefined) throw new Error("the built Worker holds no configuration file");
  await writeFile(join(folder, "worker.js"), await readFile(join(WORKER_BUILD, "worker.js")));
  await writeFile(join(folder, "file.yaml"), text);
  await writeFile(join(folder, "config.capnp"), workerdConfig(fileModule, secrets, await compatibilityDate(), options));

  const child = spawn(
    resolve("node_modules/workerd/bin/workerd"),
    ["serve", join(folder, "config.capnp"), "--control-fd=3"],
    { stdio: ["ignore", "pipe", "pipe", "pipe"] },
  );
  const output = collect(child);
  const port = await waitForLine(child, child.stdio[3] as Readable, output, (line) => {
    const { event, port } = JSON.parse(line) as { event: string; port?: number };
    return event === "listen" ? port : undefined;
  });
  return {
    url: `http://127.0.0.1:${port}`,
    adminUrl: undefined,
    process: child,
    output,
    close: () => end(child, folder),
  };
}

/** workerd's own configuration language; its texts are written like JSON's. */
function workerdConfig(
  fileModule: string,
  bindings: Record<string, string>,
  compatibilityDate: string,
  { port = 0, trust, mtls = {}, rateLimits = {} }: HostOptions,
): string {
  const text = JSON.stringify;
  const trusted = trust === undefined ? "" : `trustedCertificates = [${text(trust)}],`;
  const network = (name: string, keypair: string) =>
    `(name = ${text(name)}, network = (allow = ["public", "private", "local"], tlsOptions = (${trusted} ${keypair})))`;
  const services = Object.entries(mtls).map(([name, { certificate, private_key }]) =>
    network(name, `keypair = (certificateChain = ${text(certificate)}, privateKey = ${text(private_key)})`),
  );
  const bound = [
    ...Object.entries(bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...[...Object.keys(mtls), ...Object.keys(rateLimits)].map(
      (name) => `(name = ${text(name)}, service = ${text(name)})`,
    ),
  ];
  const limiters = Object.entries(rateLimits).map(([name, limit]) => {
    const script = text(`const LIMIT = ${limit};\n${RATE_LIMIT_MOCK}`);
    const module = `(name = "worker.js", esModule = ${script})`;
    return `(name = ${text(name)}, worker = (modules = [${module}], compatibilityDate = ${text(compatibilityDate)}))`;
  });
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), ${[network("internet", ""), ...services, ...limiters].join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (cfBlobHeader = ${text(CF_HEADER)}), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = ${text(fileModule)}, text = embed "file.yaml"),
  ],
  compatibilityDate = ${text(compatibilityDate)},
  bindings = [${bound.join(", ")}],
);
`;
}

/** What a rate limiting binding is to a Worker: `limit({ key })`. It never forgets, so that a test need not wait. */
const RATE_LIMIT_MOCK = `
import { WorkerEntrypoint } from "cloudflare:workers";
const counts = new Map();
export default class extends WorkerEntrypoint {
  limit({ key }) {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return { success: counts.get(key) <= LIMIT };
  }
}
`;

async function compatibilityDate(): Promise<string> {
  const date = /^compatibility_date = "(.+)"$/m.exec(await readFile("wrangler.toml", "utf8"))?.[1];
  if (date === undefined) throw new Error("wrangler.toml names no compatibility_date");
  return date;
}

function collect(child: ChildProcess): () => string {
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => chunks.push(chunk));
  }
  return () => chunks.join("");
}

/** Waits for the line from which `read` makes something; a process that ends before is an error with all it said. */
async function waitForLine<T>(
  child: ChildProcess,
  stream: Readable,
  output: () => string,
  read: (line: string) => T | undefined,
): Promise<T> {
  const lines = createInterface({ input: stream });
  try {
    return await new Promise<T>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the proxy ${why}:\n${output()}`));
      const timer = setTimeout(fail, START_TIMEOUT_MS, "did not start in time");
      child.once("exit", () => fail("ended at its start"));
      lines.on("line", (line) => {
        const found = read(line);
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
    });
  } finally {
    lines.close();
    stream.resume();
  }
}

async function end(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}
