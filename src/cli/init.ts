// The command `init`: a configuration for your provider, its key and an env file, from an example.

import { existsSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { styleText } from "node:util";
import type { ProviderConfig } from "../config/complete.ts";
import { parseConfig } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import { askAll } from "./init-answers.ts";
import { PACKAGE, stepsOf, textOf } from "./init-example.ts";
import { writeNew } from "./keygen.ts";

interface InitOptions {
  config: string;
  envFile?: string;
  /** False for --no-discovery. */
  discovery: boolean;
  set?: string[];
  force?: boolean;
  json?: boolean;
}

/** For what is not secret: the service may run as another user. */
const READABLE = 0o644;

/**
 * Writes nothing before everything is known.
 * @param options and those that answer a question
 * @returns true
 * @throws {UsageError | ConfigError} for wrong and missing options
 */
export async function init(options: InitOptions): Promise<boolean> {
  const { config, envFile, discovery, set = [], force = false, json = false, ...answers } = options;
  const folder = dirname(config);
  const env = envFile ?? join(folder, ".env");
  for (const path of force ? [] : [config, env]) {
    const flag = path === config ? "--config" : "--env-file";
    if (existsSync(path)) throw new UsageError(`${path} exists: name another with ${flag}, or replace it by --force`);
  }
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !json;
  const prompts = isTerminal ? await import("@clack/prompts") : undefined;
  prompts?.intro(`A configuration for your provider, in ${config}`);
  const byFlag = new Map<string, string>();
  for (const [name, value] of Object.entries(answers)) {
    byFlag.set(`--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, String(value));
  }
  for (const pair of set) {
    const [key = "", ...text] = pair.split("=");
    byFlag.set(`--set ${key}`, text.join("="));
  }
  const { example, key, secrets } = await askAll(byFlag, prompts, { mayDiscover: discovery, folder });
  prompts?.outro("No more questions.");

  const schema = relative(resolve(folder), join(PACKAGE, "token-proxy.schema.json"));
  const text = (schema.startsWith("..") ? "" : `# yaml-language-server: $schema=./${schema}\n`) + textOf(example);
  const { providers, signing } = parseConfig(text, config).config;
  const keyPath = key && join(folder, key.kid);
  const files: [path: string, text: string, mode?: number][] = [
    [env, secrets],
    [config, text, READABLE],
  ];
  if (key) files.unshift([`${keyPath}.pem`, key.pem], [`${keyPath}.jwk`, `${key.jwk}\n`, READABLE]);
  process.on("SIGINT", () => {}); // Ctrl-C must not leave a part
  for (const [path, content, mode] of files) await writeNew(path, content, { what: "file", force, mode });

  const { client_id, grant_type, scope, token_endpoint_auth_method } = providers[example.provider] as ProviderConfig;
  const issuer = signing?.issuer;
  const jwks_uri = issuer && `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  const result = {
    written: files.map(([path]) => path),
    values: { client_id, grant_type, scope, token_endpoint_auth_method, issuer, jwks_uri, redirect_uris: "none" },
    steps: stepsOf(example),
    next: ["check", "dev", "start"].map((name) => `${program()} ${name} --config ${config} --env-file ${env}`),
  };
  console.log(json ? JSON.stringify(result) : describe(result, resolve(env)));
  return true;
}

interface Result {
  written: string[];
  values: Record<string, string | undefined>;
  steps: string;
  next: string[];
}

function describe({ written, values, steps, next }: Result, env: string): string {
  const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  const usesSecrets = /\$\w+_(?:SECRET|PASSWORD)/.test(steps);
  return [
    `${bold("Written")}: ${written.join(", ")}`,
    `\n${bold("What the provider needs to know of this proxy:")}`,
    ...known.map(([name, value]) => `    ${name.padEnd(28)}${value}`),
    `\n${steps.replace(/.*/, bold)}`,
    ...(usesSecrets ? [`The commands use the secrets of the env file:\n    set -a; . ${env}; set +a\n`] : []),
    bold("Then:"),
    ...next.map((line) => `    ${line}`),
    "For production, replace session: trust by nextauth: docs/match-the-vendor.md",
  ].join("\n");
}

/** As the user has called it. */
function program(): string {
  const [, script = ""] = process.argv;
  return basename(script) === "launch.js" ? `npx node -- ${relative("", script)}` : "npx nextauth-token-proxy";
}
