// The command `init`: a configuration for your provider, its key and an env file, from an example.

import { lstatSync, rmSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { parseConfig } from "../config/parse.ts";
import { ConfigError, UsageError } from "../core/errors.ts";
import { isLoopback } from "../core/url.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import { askAll, quoted } from "./init-answers.ts";
import { writeNew } from "./keygen.ts";

interface InitOptions {
  config: string;
  envFile?: string;
  /** False for --no-discovery. */
  discovery: boolean;
  set?: string[];
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
  try {
    return await writeAll(options);
  } catch (error) {
    // The message of a bug may quote anything.
    const text = error instanceof UsageError || error instanceof ConfigError ? error.message : "ended by a bug";
    if (options.json) console.log(JSON.stringify({ succeeded: false, error: text }));
    throw error;
  }
}

async function writeAll(options: InitOptions): Promise<boolean> {
  const { config, envFile, discovery, set = [], json = false, ...answers } = options;
  const folder = dirname(config);
  const env = envFile ?? join(folder, ".env");
  for (const [flag, path] of Object.entries({ "--config": config, "--env-file": env })) {
    if (lstatSync(path, { throwIfNoEntry: false })) throw new UsageError(`${path} exists: name another with ${flag}`);
  }
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY && !json;
  const prompts = isTerminal ? await import("@clack/prompts") : undefined;
  if (prompts) process.exitCode = 1; // Ctrl-D ends the process at a question
  prompts?.intro(`A configuration for your provider, in ${config}`);
  const toFlag = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const byFlag = new Map(Object.entries(answers).map(([name, value]) => [toFlag(name), String(value)]));
  for (const pair of set) byFlag.set(`--set ${pair.replace(/=.*/s, "")}`, pair.replace(/^[^=]*=?/, ""));
  const { example, key, secrets } = await askAll(byFlag, discovery, folder, prompts);
  prompts?.outro("No more questions.");

  const names = secrets.match(/^\w+(?==)/gm) ?? [];
  const steps = example.steps(`set -a; . ${quoted(resolve(env))}; set +a`, `unset ${names.join(" ")}`);
  const text = example.textWith(steps);
  const { providers, signing: { issuer } = {} } = parseConfig(text, config).config;
  const files: [path: string, text: string, mode?: number][] = [
    [env, secrets],
    [config, text, READABLE],
  ];
  const keyPath = join(folder, key?.kid ?? "");
  if (key) files.unshift([`${keyPath}.pem`, key.pem], [`${keyPath}.jwk`, `${key.jwk}\n`, READABLE]);
  process.on("SIGINT", () => {}); // Ctrl-C must not leave a part
  const written: string[] = [];
  try {
    for (const [path, content, mode] of files) written.push(await writeNew(path, content, mode));
  } catch (error) {
    for (const path of written) rmSync(path);
    throw error;
  }

  const settings = providers[example.provider] as ProviderSettings;
  const { client_id, grant_type, scope, token_endpoint_auth_method } = settings;
  const jwks_uri = issuer && `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`;
  const values = { client_id, grant_type, scope, token_endpoint_auth_method, issuer, jwks_uri, redirect_uris: "none" };
  const isLocal = isLoopback(new URL(settings.token_endpoint ?? String(settings.issuer)).hostname);
  const plainSteps = steps.replaceAll(/^# ?/gm, "");
  const [check, start, getToken, dev] = ["check", "start", "get-token", "dev"].map(
    (command) => `${program()} ${command} --config ${quoted(config)} --env-file ${quoted(env)}`,
  );
  const next = [check, start, `${check} --live --userid alice`, `${getToken} --userid alice`];
  if (json) console.log(JSON.stringify({ succeeded: true, written, values, steps: plainSteps, next }));
  else {
    const known = Object.entries(values).filter(([, value]) => value !== undefined);
    console.log(`Written: ${written.join(", ")}

What the provider needs to know of this proxy:
${known.map(([name, value]) => `    ${name.padEnd(28)}${value}`).join("\n")}

${plainSteps}
Then, with start in a terminal of its own:
${next.map((line) => `    ${line}`).join("\n")}${isLocal ? `\nOr, instead of start, with a page that plays the phone:\n    ${dev}` : ""}
For production, replace session: trust by nextauth: docs/match-the-vendor.md`);
  }
  return true;
}

/** As the user has called it. */
function program(): string {
  const [, script = ""] = process.argv;
  return basename(script) === "launch.js" ? `npx node -- ${relative("", script)}` : "npx nextauth-token-proxy";
}
