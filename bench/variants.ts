// What is measured: the proxy, its floors, and what people would use instead.

import { join } from "node:path";
import type { Command } from "./child.ts";
import { hasNginx, nginxRelay } from "./nginx.ts";
import { BENCH, ROOT } from "./place.ts";
import { type ProxyOptions, type ProxySetup, writeProxyConfig } from "./proxy-config.ts";
import { FORM, HEADERS, TOKEN_REQUEST } from "./token-request.ts";
import { builtWorker, hasWorkerd, workerRelay } from "./worker.ts";

export interface Variant {
  name: string;
  label: string;
  /** Why it cannot be measured here. */
  missing?: () => string | undefined;
  /** Writes what it needs, and says how it is started, and called if not as all are. */
  prepare(place: Place): Prepared;
}

export interface Place {
  folder: string;
  port: number;
  tokenEndpoint: string;
  /** Options of Node, for those that run in it. */
  nodeArgs: readonly string[];
  /** The proxy's entry. */
  cli: string;
  proxy: Pick<ProxyOptions, "count" | "processes">;
}

export interface Prepared extends Command {
  call?: Pick<ProxySetup, "headers" | "body">;
}

export const DEFAULT_CLI = join(ROOT, "dist/cli.js");
export const PROXY_PATH = "/getToken";

const noNginx = () => (hasNginx() ? undefined : "nginx is not installed");
const noWorkerd = () => (hasWorkerd() ? undefined : "workerd is not installed");

export const VARIANTS: readonly Variant[] = [
  { name: "floor", label: "node:http + undici dispatch, bare", prepare: relay("floor") },
  { name: "proxy", label: "this proxy", prepare: (place) => proxy("proxy", place) },
  { name: "hono-fetch", label: "Hono + fetch", prepare: relay("hono-fetch") },
  { name: "fastify", label: "Fastify + reply-from", prepare: relay("fastify") },
  { name: "express-axios", label: "Express + axios", prepare: relay("express-axios") },
  { name: "nginx", label: "nginx proxy_pass", missing: noNginx, prepare: prepareNginx },
  { name: "raw-es256", label: "bare + one ES256 signature", prepare: relay("raw-es256") },
  {
    name: "proxy-es256",
    label: "this proxy, ES256 assertion",
    prepare: (place) => proxy("proxy-es256", place, true),
  },
  { name: "worker-relay", label: "workerd, bare fetch relay", missing: noWorkerd, prepare: prepareWorkerRelay },
  { name: "worker", label: "this proxy on workerd", missing: noWorkerd, prepare: prepareWorker },
];

/** @throws where there is none of that name */
export function findVariant(name: string): Variant {
  const variant = VARIANTS.find((candidate) => candidate.name === name);
  if (variant === undefined) {
    throw new Error(`there is no variant "${name}": choose of ${VARIANTS.map((each) => each.name).join(", ")}`);
  }
  return variant;
}

/** For the start alone: it asks no provider. */
export const BARE_HTTP: Variant = { name: "bare-http", label: "node:http, bare", prepare: relay("bare-http") };

function relay(name: string): (place: Place) => Prepared {
  return ({ port, tokenEndpoint, nodeArgs }) => ({
    command: process.execPath,
    args: [...nodeArgs, join(BENCH, `relays/${name}.js`)],
    env: { PORT: String(port), TOKEN_ENDPOINT: tokenEndpoint, TOKEN_REQUEST, NODE_ENV: "production" },
  });
}

/** Started as its users start it, from the command line with a file. */
function proxy(name: string, { folder, port, tokenEndpoint, nodeArgs, cli, proxy }: Place, signs = false): Prepared {
  const { file, secrets, ...call } = writeProxyConfig(folder, name, { port, tokenEndpoint, signs, ...proxy });
  const args = [...nodeArgs, cli, "start", "--config", file];
  return { command: process.execPath, args, env: { ...secrets, NODE_ENV: "production" }, call };
}

function prepareNginx({ folder, port, tokenEndpoint }: Place): Prepared {
  return nginxRelay(folder, port, { path: PROXY_PATH, tokenEndpoint, form: FORM, headers: HEADERS });
}

function prepareWorkerRelay({ folder, port, tokenEndpoint }: Place): Prepared {
  return workerRelay({ folder, port, bindings: { TOKEN_ENDPOINT: tokenEndpoint, TOKEN_REQUEST } });
}

function prepareWorker({ folder, port, tokenEndpoint }: Place): Prepared {
  const { file, secrets, ...call } = writeProxyConfig(folder, "worker", { port, tokenEndpoint });
  return { ...builtWorker({ folder, port, bindings: secrets }, file), call };
}
