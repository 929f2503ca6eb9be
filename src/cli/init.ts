// The command `init`: a configuration for your provider, its key and an env file, from an example.

import { lstatSync, rmSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { styleText } from "node:util";
import { type ProviderConfig, parseConfig } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import { askAll, quoted } from "./init-answers.ts";
import { PACKAGE } from "./init-example.ts";
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
const ANY = { throwIfNoEntry: false } as const;

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
  for (const [flag, path] of Object.entries(force ? {} : { "--config": config, "--env-file": env })) {
    if (lstatSync(path, ANY))
      throw new UsageError(`${path} exists: name another with ${flag}, or replace it by --force`);
  }
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !json;
  const prompts = isTerminal ? await import("@clack/prompts") : undefined;
  if (prompts) process.exitCode = 1; // Ctrl-D ends the process at a question
  prompts?.intro(`A configuration for your provider, in ${config}`);
  const toFlag = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const byFlag = new Map(Object.entries(answers).map(([name, value]) => [toFlag(name), String(value)]));
  for (const pair of set) byFlag.set(`--set ${pair.replace(/=.*/s, "")}`, pair.replace(/^[^=]*=?/, ""));
  const { example, key, secrets } = await askAll(byFlag, prompts, discovery, folder);
  prompts?.outro("No more questions.");

  const schema = relative(resolve(folder), join(PACKAGE, "token-proxy.schema.json"));
  const text = (schema.startsWith("..") ? "" : `# yaml-language-server: $schema=./${schema}\n`) + String(example);
  const { providers, signing: { issuer } = {} } = parseConfig(text, config).config;
  const files: [path: string, text: string, mode?: number][] = [
    [env, secrets],
    [config, text, READABLE],
  ];
  const keyPath = join(folder, key?.kid ?? "");
  if (key) files.unshift([`${keyPath}.pem`, key.pem], [`${keyPath}.jwk`, `${key.jwk}\n`, READABLE]);
  process.on("SIGINT", () => {}); // Ctrl-C must not leave a part
  const isNew = files.filter(([path]) => lstatSync(path, ANY) === undefined);
  for (const [path, content, mode] of files) {
    await writeNew(path, content, { what: "file", force, mode }).catch((error: unknown) => {
      for (const [other] of isNew) if (other !== path) rmSync(other, { force: true });
      throw error;
    });
  }

  const { client_id, grant_type, scope, token_endpoint_auth_method } = providers[example.provider] as ProviderConfig;
  const jwks_uri = issuer && `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  const values = { client_id, grant_type, scope, token_endpoint_auth_method, issuer, jwks_uri, redirect_uris: "none" };
  const written = files.map(([path]) => path);
  const printed = example.steps();
  const loading = `- the commands use the secrets of the env file:\n    set -a; . ${quoted(resolve(env))}; set +a\n- `;
  const steps = /\$\w+_(?:SECRET|PASSWORD)/.test(printed) ? printed.replace(/^- /m, () => loading) : printed;
  const [check, ...others] = ["check", "dev", "start"].map(
    (command) => `${program()} ${command} --config ${quoted(config)} --env-file ${quoted(env)}`,
  );
  const next = [check, ...others, `${check} --live --userid alice`];
  if (json) console.log(JSON.stringify({ written, values, steps, next }));
  else {
    const bold = (title: string) => styleText("bold", title, { stream: process.stdout });
    const known = Object.entries(values).filter(([, value]) => value !== undefined);
    console.log(`${bold("Written:")} ${written.join(", ")}

${bold("What the provider needs to know of this proxy:")}
${known.map(([name, value]) => `    ${name.padEnd(28)}${value}`).join("\n")}

${steps.replace(/.*/, bold)}
${bold("Then:")}
${next.map((line) => `    ${line}`).join("\n")}
For production, replace session: trust by nextauth: docs/match-the-vendor.md`);
  }
  return true;
}

/** As the user has called it. */
function program(): string {
  const [, script = ""] = process.argv;
  return basename(script) === "launch.js" ? `npx node -- ${relative("", script)}` : "npx nextauth-token-proxy";
}
