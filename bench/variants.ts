// What is measured: the proxy, bare relays as a base, and what people would use instead.

import { join } from "node:path";
import type { Build } from "./build.ts";
import type { Command } from "./child.ts";
import { hasNginx, nginxRelay } from "./nginx.ts";
import { BENCH } from "./place.ts";
import { type ProxyOptions, type ProxySetup, writeProxyConfig } from "./proxy-config.ts";
import { FORM, HEADERS, TOKEN_REQUEST } from "./token-request.ts";
import { hasWorkerd, serveBuiltWorker, serveWorkerRelay } from "./worker.ts";

/** In the order of the tables. The names with "before" need `--before`. */
export const VARIANT_NAMES = [
  "floor",
  "proxy",
  "before",
  "hono-fetch",
  "fastify",
  "express-axios",
  "nginx",
  "raw-es256",
  "proxy-es256",
  "proxy-verify",
  "before-es256",
  "worker-relay",
  "worker",
  "before-worker",
  "bare-http",
] as const;
export type VariantName = (typeof VARIANT_NAMES)[number];

/** It asks no provider, so it is only a base for start and idle. */
export const BARE_HTTP = "bare-http";

export interface Variant {
  name: VariantName;
  label: string;
  /** For a Worker, what has to be built first. */
  build?: Build;
  /** Why it cannot be measured here; undefined when it can. */
  missing?: () => string | undefined;
  /** Writes its configuration and returns its command. */
  prepare(place: Place): Prepared;
}

export interface Place {
  folder: string;
  port: number;
  tokenEndpoint: string;
  /** The port for a profiler, if it is to be profiled. */
  inspector: number | undefined;
  /** The number of callers, providers and routes in the proxy's configuration. */
  count: number;
}

export interface Prepared extends Command {
  /** For variants that need an API key. */
  call?: Pick<ProxySetup, "headers" | "body">;
}

export const PROXY_PATH = "/getToken";

const noNginx = () => (hasNginx() ? undefined : "nginx is not installed");
const noWorkerd = () => (hasWorkerd() ? undefined : "workerd is not installed");

export function createVariants(now: Build, before: Build | undefined): ReadonlyMap<VariantName, Variant> {
  const all: Variant[] = [
    relay("floor", "node:http + undici dispatch, bare"),
    relay("hono-fetch", "Hono + fetch"),
    relay("fastify", "Fastify + reply-from"),
    relay("express-axios", "Express + axios"),
    { name: "nginx", label: "nginx proxy_pass", missing: noNginx, prepare: prepareNginx },
    relay("raw-es256", "bare + one ES256 signature"),
    { name: "worker-relay", label: "workerd, bare fetch relay", missing: noWorkerd, prepare: prepareWorkerRelay },
    relay(BARE_HTTP, "node:http, bare"),
    ...proxies(now, "proxy", "proxy-es256", "worker"),
    verifying(now),
    ...(before === undefined ? [] : proxies(before, "before", "before-es256", "before-worker")),
  ];
  return new Map(all.map((variant) => [variant.name, variant]));
}

/** One build on Node, on Node with a signed assertion, and on Workers. */
function proxies(build: Build, plain: VariantName, signed: VariantName, worker: VariantName): Variant[] {
  const { label, cli } = build;
  return [
    { name: plain, label, prepare: (place) => startCommand(cli, plain, place, {}) },
    {
      name: signed,
      label: `${label}, ES256 assertion`,
      prepare: (place) => startCommand(cli, signed, place, { signs: true }),
    },
    {
      name: worker,
      label: `${label} on workerd`,
      build,
      missing: noWorkerd,
      prepare: (place) => prepareWorker(build, worker, place),
    },
  ];
}

/** With a session check for each call, which is the default. */
function verifying({ label, cli }: Build): Variant {
  const name = "proxy-verify";
  const prepare = (place: Place) => startCommand(cli, name, place, { verifies: true });
  return { name, label: `${label}, session: verify`, prepare };
}

/** Users start the proxy like this, too. */
function startCommand(cli: string, name: string, place: Place, more: Partial<ProxyOptions>): Prepared {
  const { folder, port, tokenEndpoint, inspector, count } = place;
  const { file, secrets, ...call } = writeProxyConfig(folder, name, { port, tokenEndpoint, count, ...more });
  const args = [...inspect(inspector), cli, "start", "--config", file];
  return { command: process.execPath, args, env: { ...secrets, NODE_ENV: "production" }, call };
}

/** The option of Node for it. */
const inspect = (port: number | undefined) => (port === undefined ? [] : [`--inspect=127.0.0.1:${port}`]);

function relay(name: VariantName, label: string): Variant {
  return {
    name,
    label,
    prepare: ({ port, tokenEndpoint, inspector }) => ({
      command: process.execPath,
      args: [...inspect(inspector), join(BENCH, `relays/${name}.js`)],
      env: { PORT: String(port), TOKEN_ENDPOINT: tokenEndpoint, TOKEN_REQUEST, NODE_ENV: "production" },
    }),
  };
}

function prepareNginx({ folder, port, tokenEndpoint }: Place): Prepared {
  return nginxRelay(folder, port, { path: PROXY_PATH, tokenEndpoint, form: FORM, headers: HEADERS });
}

function prepareWorkerRelay({ folder, port, tokenEndpoint, inspector }: Place): Prepared {
  return serveWorkerRelay({ folder, port, inspector, bindings: { TOKEN_ENDPOINT: tokenEndpoint, TOKEN_REQUEST } });
}

function prepareWorker(build: Build, name: string, { folder, port, tokenEndpoint, inspector }: Place): Prepared {
  const { file, secrets, ...call } = writeProxyConfig(folder, name, { port, tokenEndpoint });
  return { ...serveBuiltWorker(build.worker, name, { folder, port, inspector, bindings: secrets }, file), call };
}
