#!/usr/bin/env node
// The command line. Exit status: 0 well, 1 the operation failed, 2 wrong usage or configuration.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { styleText } from "node:util";
import { Command, CommanderError } from "commander";
import { parseConfig } from "./config/parse.ts";
import { startDev } from "./dev/dev.ts";
import { ConfigError } from "./errors.ts";
import { type Service, startService } from "./node.ts";
import { ListenError } from "./platform/node/listener.ts";
import { createNodeReadSecret } from "./platform/node/secrets.ts";

const DEFAULT_FILE = "token-proxy.yaml";
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** What the user has to change is in the message; no stack is shown. */
class UsageError extends Error {}

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }), // plain in a pipe and under NO_COLOR
};

async function start({ config }: { config?: string }): Promise<void> {
  const file = configFile(config);
  const service = file === undefined ? await startDev(terminal) : await startFromFile(file);
  stopOnSignals(service);
}

/** `--config`, then TOKEN_PROXY_CONFIG, then ./token-proxy.yaml where it exists; undefined means dev mode. */
function configFile(option: string | undefined): string | undefined {
  return option ?? process.env.TOKEN_PROXY_CONFIG ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

function startFromFile(file: string): Promise<Service> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the configuration file ${file} (${(error as NodeJS.ErrnoException).code})`);
  }
  return startService(parseConfig(text, file), createNodeReadSecret(process.env, dirname(resolve(file))));
}

function stopOnSignals(service: Service): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (stopping) process.exit(EXIT_FAILED); // asked twice: whoever asks does not want to wait
      stopping = true;
      const cut = await service.stop();
      process.exit(cut === 0 ? 0 : EXIT_FAILED);
    });
  }
}

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const program = new Command("nextauth-token-proxy")
    .description("Answers the nextAuth Server's getToken with a token from your OAuth provider, byte for byte.")
    .version(version)
    .exitOverride();
  program
    .command("start", { isDefault: true })
    .description("serve getToken (without a configuration file: dev mode, on loopback, with a provider of its own)")
    .option("-c, --config <file>", `configuration file (default: TOKEN_PROXY_CONFIG, then ./${DEFAULT_FILE})`)
    .allowExcessArguments(false)
    .action(start);
  return program;
}

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Tells what went wrong on standard error. Returns the exit status. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE; // commander has told it already
  if (error instanceof ConfigError) {
    const { length } = error.faults;
    console.error(
      `${error.message}\n${length} ${length === 1 ? "fault" : "faults"} in the configuration: nothing was started`,
    );
    return EXIT_USAGE;
  }
  if (error instanceof UsageError) {
    console.error(error.message);
    return EXIT_USAGE;
  }
  if (error instanceof ListenError) {
    console.error(error.message);
    return EXIT_FAILED;
  }
  throw error;
}
