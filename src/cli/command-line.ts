// The commands with their options, their help, and the exit status.

import { Command, CommanderError, Option } from "commander";
import { ConfigError, framesOf, UsageError } from "../core/errors.ts";
import { counted } from "../node/admin/format.ts";
import { ListenError } from "../node/inbound/listener.ts";
import { packageVersion } from "../node/version.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import { environment, loadFile } from "./configuration.ts";
import { holdSignals } from "./signals.ts";

const NAME = "nextauth-token-proxy";
const DEFAULT_FILE = "token-proxy.yaml";
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const EXIT_STATUS = `
Exit status:
  0  success
  1  the operation failed: a server did not answer, no token came, start could not listen, or a stop cut off calls
  2  wrong usage, or a fault in the configuration file, a secret, a key or a certificate`;

/** Options of the program itself; any other option without a command belongs to "start". */
const PROGRAM_OPTIONS = ["-h", "--help", "-V", "--version"];

/**
 * Runs one command and prints its errors to standard error.
 * @param given the arguments without those of Node
 * @returns the exit status; undefined while a service runs
 */
export async function runCommandLine(given: readonly string[]): Promise<number | undefined> {
  const [first] = given;
  const isStart = first === undefined || (first.startsWith("-") && !PROGRAM_OPTIONS.includes(first));
  const args = isStart ? ["start", ...given] : given;
  let status: number | undefined;
  const program = createCommands((succeeded) => {
    status = succeeded ? 0 : EXIT_FAILED;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return report(error);
    if (error.exitCode === 0) return 0; // --help and --version
    const command = program.commands.find((known) => known.name() === args[0]);
    console.error(`${usageMessage(error)}; see "${NAME} ${command ? `${command.name()} ` : ""}--help"`);
    return EXIT_USAGE;
  }
}

/** Ends the process after a bug, without printing secrets, or if its output cannot be written. */
export function endOnCrash(): void {
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    // The message may quote a secret or token.
    const place = error instanceof Error ? [error.name, ...framesOf(error)].join("\n    ") : typeof error;
    if (error?.syscall !== "write") console.error(`ended by a bug: ${place}`);
    else if (error.code !== "EPIPE") console.error(`cannot write the output (${error.code}): redirect it elsewhere`);
    process.exit(EXIT_FAILED);
  });
}

/** Imports a command only when it runs: loading the others would take most of its time. */
function createCommands(end: (succeeded: boolean) => void): Command {
  const toEnd =
    <Options>(run: (options: Options) => Promise<boolean>) =>
    async (options: Options) => {
      process.removeAllListeners("SIGHUP"); // only a service ignores or handles it
      end(await run(options));
    };
  const program = new Command(NAME)
    .description('Answers getToken with a token from your provider, byte for byte. Without a command, "start" runs.')
    .version(packageVersion)
    .exitOverride()
    // Commander's messages quote arguments, which may be secrets.
    .configureOutput({ outputError: () => {} })
    .addHelpText("afterAll", EXIT_STATUS);

  const file = new Option("-c, --config <file>", "configuration file").default(
    process.env.TOKEN_PROXY_CONFIG || DEFAULT_FILE, // Compose's ${NAME:-} sets it to nothing
    `TOKEN_PROXY_CONFIG, else ${DEFAULT_FILE}`,
  );
  const fileCommand = (name: string) =>
    program.command(name).addOption(file).option("--env-file <file>", "NAME=VALUE for variables that are not set");
  const callCommand = (name: string) =>
    fileCommand(name)
      .option("--userid <text>", "the user to request a token for")
      .option("--value <name=text...>", "another value of the call, like serverid=… or nonce=env:VARIABLE")
      .option("--path <path>", "use the binding with this get_token.path (default: the first)");

  fileCommand("start")
    .description("serve getToken")
    .action(async ({ config, envFile }) => {
      const attachSignals = holdSignals();
      const { startService } = await import("../node/service.ts");
      const ownFiles = envFile === undefined ? [config] : [config, envFile];
      attachSignals(await startService((known) => loadFile(config, environment(envFile), known), { ownFiles }));
    });
  program
    .command("dev")
    .description("try the proxy on loopback, with a stand-in nextAuth Server, and a page that plays the phone")
    .option("-c, --config <file>", "configuration file with your own provider (default: an embedded provider)")
    .option("--env-file <file>", "NAME=VALUE for variables that are not set")
    .option("--allow-real-provider", "also with a provider on another machine: the page gets its tokens for any user")
    .action(async (options) => {
      const attachSignals = holdSignals();
      const { startDev } = await import("./dev/dev.ts");
      attachSignals(await startDev(options));
    });
  callCommand("check")
    .description("check the configuration file, its secrets, keys and certificates, and whether its servers answer")
    .option("--pin <file>", "also print the pin of another certificate, private key or public key (PEM)")
    .addOption(new Option("--json", "print one JSON document, for programs").conflicts("call"))
    .option("--live", "also request one token; prints what the token says, but never the token")
    .addOption(new Option("--call <file>", "only show, offline, how this HTTP request is read").conflicts("live"))
    .option("--probe", "with --live: also ask for a user that cannot exist, which may count as a failed login there")
    .action(toEnd(async (options) => (await import("./check.ts")).check(options)));
  callCommand("get-token")
    .description("call a running proxy as the nextAuth Server would; only the response body goes to standard output")
    .option("--url <url>", "address of the running proxy (default: server.listen of the file)")
    .option("--caller <name>", "send the API key of this caller (default: the first)")
    .option("--certificate <file>", "client certificate, PEM")
    .option("--private-key <file>", "private key of the client certificate, PEM")
    .option("--ca <file>", "authority that issued the proxy's certificate, PEM (default: the public authorities)")
    .action(toEnd(async (options) => (await import("./get-token.ts")).callGetToken(options)));
  program
    .command("init")
    .description("write a configuration for your provider, with its key and an env file; asks what no option says")
    .option("-c, --config <file>", "the configuration file to write", DEFAULT_FILE)
    .option("--env-file <file>", "the env file to write (default: .env next to it)")
    .option("--provider <name>", 'one of docs/providers.md, by the name of its example, or "other"')
    .option("--issuer <url>", "the provider's issuer")
    .option("--no-discovery", "do not read the provider's metadata")
    .option("--grant-type <name>", "the grant, for --provider other")
    .option("--client-id <text>", "this proxy's client_id at the provider")
    .option("--auth-method <name>", "token_endpoint_auth_method")
    .option("--alg <name>", "algorithm of this proxy's key")
    .option("--signing-issuer <url>", "URL of this proxy, where the provider gets its public keys")
    .option("--scope <text>", "the scope to request")
    .option("--set <key=text...>", "a placeholder of the example, by its key in the file")
    .option("--json", "ask nothing, and print the result as JSON")
    .action(toEnd(async (options) => (await import("./init.ts")).init(options)));
  program
    .command("keygen")
    .description("create a signing key: writes the private key to a file, prints the public JWK")
    .requiredOption("--out <file>", "file for the private key (PKCS#8 in PEM, mode 600)")
    .addOption(new Option("--alg <name>", "algorithm").choices(SIGNING_ALGORITHMS).default(SIGNING_ALGORITHMS[0]))
    .option("--kid <text>", "key ID (default: today's date and the start of the key's thumbprint)")
    .option("--force", "replace the file, and so the key in it")
    .action(toEnd(async (options) => (await import("./keygen.ts")).keygen(options)));
  program
    .command("schema")
    .description("print the JSON Schema (2020-12) of the configuration file")
    .action(async () => {
      const { configurationSchema } = await import("../config/schema.ts");
      console.log(JSON.stringify(configurationSchema(), null, 2));
      end(true);
    });
  return program;
}

/** Commander's message in one line. It only repeats names of options: a value may be a secret. */
function usageMessage({ code, message }: CommanderError): string {
  if (code === "commander.help") return "unknown command"; // after "help"
  if (code === "commander.excessArguments") return "too many arguments: this command only has options";
  const values = /(?<=unknown command|argument) '.*'|(?<=unknown option '[^=]*)=.*(?=')/s;
  return message.replace("error: ", "").replace(values, "").replace("\n", " ").replace(/\.$/, "");
}

/** @returns the exit status */
function report(error: unknown): number {
  if (error instanceof ConfigError) {
    console.error(`${error.details}\n${counted(error.faults.length, "fault")} in the configuration`);
    return EXIT_USAGE;
  }
  if (!(error instanceof UsageError || error instanceof ListenError)) throw error;
  console.error(error.message);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
