#!/usr/bin/env node
// The command line. Exit status: 0 well, 1 the operation failed, 2 wrong usage or configuration.

import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { check } from "./commands/check.ts";
import { DEFAULT_FILE, UsageError } from "./commands/configuration.ts";
import { getToken } from "./commands/get-token.ts";
import { start } from "./commands/start.ts";
import { ConfigError } from "./errors.ts";
import { describeCrash } from "./platform/node/crash.ts";
import { ListenError } from "./platform/node/listener.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const CONFIG_OPTION = [
  "-c, --config <file>",
  `configuration file (default: TOKEN_PROXY_CONFIG, then ./${DEFAULT_FILE})`,
] as const;

const USERID_OPTION = ["--userid <text>", "the user to ask for"] as const;
const VALUE_OPTION = ["--value <name=text...>", "a further value, as serverid=… or nonce=env:VARIABLE"] as const;

function createProgram(): Command {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const program = new Command("nextauth-token-proxy")
    .description("Answers the nextAuth Server's getToken with a token from your OAuth provider, byte for byte.")
    .version(version)
    .exitOverride();
  program
    .command("start", { isDefault: true })
    .description("serve getToken (without a configuration file: dev mode, on loopback, with a provider of its own)")
    .option(...CONFIG_OPTION)
    .allowExcessArguments(false)
    .action(start);
  program
    .command("check")
    .description(
      "check the file, its secrets and keys, and the discovery of its providers; with --live ask for one token",
    )
    .option(...CONFIG_OPTION)
    .option("--live", "send one token request; prints about the token, never the token")
    .option(...USERID_OPTION)
    .option(...VALUE_OPTION)
    .allowExcessArguments(false)
    .action((options) => runToEnd(() => check(options)));
  program
    .command("get-token")
    .description(
      "call getToken of a running proxy as the nextAuth Server does, by the binding and with the API key of the file; " +
        "the bytes of the answer go to standard output",
    )
    .option(...CONFIG_OPTION)
    .option(...USERID_OPTION)
    .option(...VALUE_OPTION)
    .option("--url <url>", "the running proxy (default: server.listen)")
    .option("--path <path>", "which of several bindings, as get_token.path has it (default: the first)")
    .option("--method <method>", "which of several bindings of one path (default: the first)")
    .option("--caller <name>", "whose API key to send (default: the first under callers)")
    .option("--certificate <file>", "a client certificate, PEM")
    .option("--private-key <file>", "its key, PEM")
    .option("--ca <file>", "whom to trust for the proxy's certificate, PEM (default: the public authorities)")
    .allowExcessArguments(false)
    .action((options) => runToEnd(() => getToken(options)));
  return program;
}

process.on("uncaughtException", (error) => {
  console.error(describeCrash(error));
  process.exit(EXIT_FAILED);
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Runs a command that comes to an end. @param command gives whether all went well */
async function runToEnd(command: () => Promise<boolean>): Promise<void> {
  // Whoever reads the output may stop before its end, as `head` does: then there is nothing more to do, and nothing to explain.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT_FAILED);
  });
  if (!(await command())) process.exitCode = EXIT_FAILED;
}

/** Tells what went wrong on standard error. Returns the exit status. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE; // commander has told it already
  if (error instanceof ConfigError) {
    const { length } = error.faults;
    console.error(`${error.message}\n${length} ${length === 1 ? "fault" : "faults"} in the configuration`);
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
