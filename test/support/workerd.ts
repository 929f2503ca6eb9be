// Serves a Worker in a real workerd, on a real socket.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { collect, end, waitForLine } from "./child.ts";

/** The header in which a test gives `request.cf`, as JSON, which Cloudflare fills in. */
export const CF_HEADER = "X-Test-Cf";

export interface Script {
  /** Text of each module by its name, the Worker's own first. */
  modules: { name: string; kind: "esModule" | "text"; text: string }[];
  /** Text bindings: secrets and variables. */
  bindings: Readonly<Record<string, string>>;
}

export interface WorkerdOptions {
  port?: number;
  /** Authorities that its connections trust, PEM. */
  trust?: string;
  /** Bindings in place of mtls_certificates: certificate and key of each, PEM. */
  mtls?: Readonly<Record<string, { certificate: string; private_key: string }>>;
  /** Mocks of rate limiting bindings, which exist only at Cloudflare: the limit of each. */
  rateLimits?: Readonly<Record<string, number>>;
}

export interface ServedWorker {
  url: string;
  process: ChildProcess;
  output(): string;
  close(): Promise<void>;
}

export async function serveWorkerd(script: Script, options: WorkerdOptions = {}): Promise<ServedWorker> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-"));
  for (const [index, { text }] of script.modules.entries()) await writeFile(join(folder, `module-${index}`), text);
  await writeFile(join(folder, "config.capnp"), workerdConfig(script, await compatibility(), options));
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
  return { url: `http://127.0.0.1:${port}`, process: child, output, close: () => end(child, folder) };
}

/** workerd's own configuration language; its texts are written like JSON's. */
function workerdConfig(
  { modules, bindings }: Script,
  compatibility: string,
  { port = 0, trust, mtls = {}, rateLimits = {} }: WorkerdOptions,
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
    return `(name = ${text(name)}, worker = (modules = [${module}], ${compatibility}))`;
  });
  const embedded = modules.map(({ name, kind }, index) => `(name = ${text(name)}, ${kind} = embed "module-${index}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), ${[network("internet", ""), ...services, ...limiters].join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (cfBlobHeader = ${text(CF_HEADER)}), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${embedded.join(", ")}],
  ${compatibility},
  bindings = [${bound.join(", ")}],
);
`;
}

/** A rate limiting binding. It never forgets, so that no test has to wait. */
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

/** Date and flags of wrangler.toml, as workerd's own configuration has them. */
async function compatibility(): Promise<string> {
  const toml = await readFile("wrangler.toml", "utf8");
  const value = (key: string) => new RegExp(`^compatibility_${key} = (\\S+)`, "m").exec(toml)?.[1];
  const [date, flags] = [value("date"), value("flags")];
  if (date === undefined || flags === undefined) throw new Error("wrangler.toml names no compatibility date or flags");
  return `compatibilityDate = ${date}, compatibilityFlags = ${flags}`;
}
