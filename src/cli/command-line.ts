// The command line. Exit status: 0 well, 1 the operation failed, 2 wrong usage or configuration.

import { Command, CommanderError } from "commander";
import { ConfigError, UsageError } from "../core/errors.ts";
import { describeCrash } from "../node/crash.ts";
import { ListenError } from "../node/inbound/listener.ts";
import { packageVersion } from "../node/version.ts";
import { DEFAULT_FILE } from "./configuration.ts";
import { type CommandName, helpOf, helpOfAll } from "./help.ts";
import { KEY_ALGORITHMS, keygen } from "./keygen.ts";
import { holdSignals } from "./signals.ts";
import { assertCommand, usageFault } from "./usage.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const CONFIG_OPTION = [
  "-c, --config <file>",
  `configuration file (default: TOKEN_PROXY_CONFIG, then ./${DEFAULT_FILE})`,
] as const;

const ENV_FILE_OPTION = [
  "--env-file <file>",
  "lines of NAME=VALUE, for variables that are not set; read again with every reload",
] as const;
const USERID_OPTION = ["--userid <text>", "the user to ask for"] as const;
const VALUE_OPTION = ["--value <name=text...>", "a further value, as serverid=… or nonce=env:VARIABLE"] as const;

/** Commands are imported when they are run: loading what another one needs would be most of the time that a command takes. */
function createProgram(): Command {
  const program = new Command("nextauth-token-proxy")
    .description("Answers the nextAuth Server's getToken with a token from your OAuth provider, byte for byte.")
    .version(packageVersion)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${usageFault(text, undefined)}\n`) })
    .addHelpText("after", helpOfAll());
  const command = (name: CommandName, options?: { isDefault: boolean }) =>
    program
      .command(name, options)
      .allowExcessArguments(false)
      .configureOutput({ outputError: (text, write) => write(`${usageFault(text, name)}\n`) })
      .addHelpText("after", helpOf(name));

  command("start", { isDefault: true })
    .description("serve getToken (without a configuration file: dev mode, on loopback, with a provider of its own)")
    .option(...CONFIG_OPTION)
    .option(...ENV_FILE_OPTION)
    .action(async (options) => {
      const attachSignals = holdSignals();
      const { start } = await import("./start.ts");
      await start(options, attachSignals);
    });
  command("check")
    .description(
      "check the file, its secrets, keys and certificates, and the discovery of its providers; with --live ask for one token",
    )
    .option(...CONFIG_OPTION)
    .option(...ENV_FILE_OPTION)
    .option("--live", "send one token request; prints about the token, never the token")
    .option(...USERID_OPTION)
    .option(...VALUE_OPTION)
    .action((options) => runToEnd(async () => (await import("./check.ts")).check(options)));
  command("get-token")
    .description(
      "call getToken of a running proxy as the nextAuth Server does, by the binding and with the API key of the file; " +
        "the bytes of the answer go to standard output",
    )
    .option(...CONFIG_OPTION)
    .option(...ENV_FILE_OPTION)
    .option(...USERID_OPTION)
    .option(...VALUE_OPTION)
    .option("--url <url>", "the running proxy (default: server.listen)")
    .option("--path <path>", "which of several bindings, as get_token.path has it (default: the first)")
    .option("--method <method>", "which of several bindings of one path (default: the first)")
    .option("--caller <name>", "whose API key to send (default: the first under callers)")
    .option("--certificate <file>", "a client certificate, PEM")
    .option("--private-key <file>", "its key, PEM")
    .option("--ca <file>", "whom to trust for the proxy's certificate, PEM (default: the public authorities)")
    .action((options) => runToEnd(async () => (await import("./get-token.ts")).getToken(options)));
  command("keygen")
    .description("make a signing key: the private half goes into a file, the public JWK to standard output")
    .option("--out <file>", "where the private key goes (PKCS#8 in PEM, mode 600); required")
    .option("--alg <name>", `one of ${KEY_ALGORITHMS.join(", ")}`, KEY_ALGORITHMS[0])
    .option("--kid <text>", "its name (default: the date and the beginning of its thumbprint)")
    .option("--force", "replace the file, and with it the key that is in it")
    .action((options) => runToEnd(() => keygen(options)));
  command("schema")
    .description("print the JSON Schema (2020-12) of the configuration file")
    .action(() => runToEnd(async () => (await import("./schema.ts")).schema()));
  return program;
}

process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
  // Whoever reads the output may stop before its end, as `head` does: then there is nothing more to do, and nothing to explain.
  const isOutput = error.syscall === "write";
  if (isOutput && error.code !== "EPIPE") console.error(`the output cannot be written (${error.code})`);
  else if (!isOutput) console.error(describeCrash(error));
  process.exit(EXIT_FAILED);
});

try {
  assertCommand(process.argv.slice(2));
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** Runs a command that comes to an end. @param command gives whether all went well */
async function runToEnd(command: () => Promise<boolean>): Promise<void> {
  process.removeAllListeners("SIGHUP"); // which ends whatever is no service
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
