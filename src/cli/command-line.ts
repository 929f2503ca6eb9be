// The commands with their options, their help, and the exit status.

import { styleText } from "node:util";
import { Command, CommanderError, Option } from "commander";
import { ConfigError, framesOf, UsageError } from "../core/errors.ts";
import { ListenError } from "../node/inbound/listener.ts";
import { packageVersion } from "../node/version.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import { DEFAULT_FILE } from "./configuration.ts";
import { holdSignals } from "./signals.ts";

const NAME = "nextauth-token-proxy";
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const EXIT_STATUS = `
Exit status:
  0  success
  1  the operation failed: a server did not answer, no token came, start could not listen, or a stop cut off calls
  2  wrong usage, or a fault in the configuration file, a secret, a key or a certificate`;

const ENVIRONMENT = `
Environment:
  TOKEN_PROXY_CONFIG   the configuration file, if --config is not given
  NO_COLOR             no colours on a terminal
  LISTEN_FDS           start: the service uses a socket from systemd instead of server.listen (with LISTEN_PID)
  Variables that the configuration file names as { env: NAME }. --env-file can supply those that are not set.`;

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
    const isUnknown = error.code === "commander.unknownCommand" && !error.message.includes("Did you mean");
    const known = isUnknown ? `: use ${program.commands.map((one) => one.name()).join(", ")}` : "";
    console.error(`${usageMessage(error, args)}${known}; see "${NAME} ${command ? `${command.name()} ` : ""}--help"`);
    return EXIT_USAGE;
  }
}

/** Ends the process after a bug, without printing secrets, or if its output cannot be written. */
export function endOnCrash(): void {
  process.on("uncaughtException", (error: NodeJS.ErrnoException) => {
    const isOutput = error.syscall === "write";
    if (!isOutput) console.error(describeBug(error));
    else if (error.code !== "EPIPE") console.error(`cannot write the output (${error.code}): redirect it elsewhere`);
    process.exit(EXIT_FAILED);
  });
}

/** @returns the error's name and stack without its message, which may quote a secret or token */
function describeBug(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `ended by a bug: thrown ${typeof thrown}`;
  return [`ended by a bug: ${thrown.name}`, ...framesOf(thrown).map((frame) => `    ${frame}`)].join("\n");
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
    .description("Answers the nextAuth Server's getToken with a token from your OAuth provider, byte for byte.")
    .version(packageVersion)
    .exitOverride()
    // Commander's messages quote arguments, which may be secrets.
    .configureOutput({ outputError: () => {} })
    .addHelpText("after", `\nWithout a command, "start" runs.\n${EXIT_STATUS}\n${ENVIRONMENT}`);

  const command = (name: string, examples: readonly string[]) => {
    const lines = examples.map((example) => `\n  ${NAME} ${name} ${example}`.trimEnd());
    return program.command(name).addHelpText("after", `\nExamples:${lines.join("")}\n${EXIT_STATUS}`);
  };
  const fileCommand = (name: string, examples: readonly string[]) =>
    command(name, examples)
      .option("-c, --config <file>", `configuration file (default: TOKEN_PROXY_CONFIG, then ./${DEFAULT_FILE})`)
      .option("--env-file <file>", "file with lines NAME=VALUE for variables that are not set; a reload reads it again")
      .addHelpText("after", ENVIRONMENT);
  const callCommand = (name: string, examples: readonly string[]) =>
    fileCommand(name, examples)
      .option("--userid <text>", "the user to request a token for")
      .option("--value <name=text...>", "another value of the call, like serverid=… or nonce=env:VARIABLE")
      .option("--path <path>", "use the binding with this get_token.path (default: the first)")
      .option("--method <method>", "use the binding with this get_token.method (default: the first)");

  fileCommand("start", ["", "--config token-proxy.yaml", "--config token-proxy.yaml --env-file .env"])
    .description("serve getToken")
    .action(async (options) => {
      const attachSignals = holdSignals();
      const { start } = await import("./start.ts");
      await start(options, attachSignals);
    });
  command("dev", ["", "--config token-proxy.yaml --env-file .env"])
    .description("try the proxy on loopback, with a stand-in nextAuth Server, and a page that plays the phone")
    .option("-c, --config <file>", "configuration file with your own provider (default: an embedded provider)")
    .option("--env-file <file>", "file with lines NAME=VALUE for variables that are not set")
    .option("--allow-real-provider", "also with a provider on another machine: the page gets its tokens for any user")
    .action(async (options) => {
      const attachSignals = holdSignals();
      const { startDev } = await import("./dev/dev.ts");
      attachSignals(await startDev(options));
    });
  callCommand("check", [
    "",
    "--call example.http",
    "--live --userid alice --value serverid=c2VydmVyLTE= --value nonce=env:NONCE",
  ])
    .description("check the configuration file, its secrets, keys and certificates, and whether its servers answer")
    .option("--pin <file>", "also print the pin of another certificate, private key or public key (PEM)")
    .addOption(new Option("--json", "print one JSON document, for programs").conflicts("call"))
    .option("--live", "also request one token; prints what the token says, but never the token")
    .addOption(
      new Option("--call <file>", "only show how the HTTP request in <file> is read, offline").conflicts("live"),
    )
    .option("--probe", "with --live: also ask for a user that cannot exist, which may count as a failed login there")
    .action(toEnd(async (options) => (await import("./check.ts")).check(options)));
  callCommand("get-token", [
    "--userid alice --value nonce=env:NONCE",
    "--url https://tokens.bank.example --userid alice > token.json",
  ])
    .description(
      "call getToken of a running proxy as the nextAuth Server would, with the binding and the API key of the file; " +
        "prints the response body to standard output, and everything else to standard error",
    )
    .option("--url <url>", "address of the running proxy (default: server.listen of the file)")
    .option("--caller <name>", "send the API key of this caller (default: the first)")
    .option("--certificate <file>", "client certificate, PEM")
    .option("--private-key <file>", "private key of the client certificate, PEM")
    .option("--ca <file>", "authority that issued the proxy's certificate, PEM (default: the public authorities)")
    .action(toEnd(async (options) => (await import("./get-token.ts")).callGetToken(options)));
  command("init", ["", "--provider keycloak --issuer https://sso.bank.example/realms/retail --client-id token-proxy"])
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
    .option("--set <key=text...>", "another text of the example, by its key in the file")
    .option("--force", "replace the files")
    .option("--json", "ask nothing, and print the result as JSON")
    .action(toEnd(async (options) => (await import("./init.ts")).init(options)));
  command("keygen", ["--out keys/2026-11.pem --kid 2026-11", "--alg PS256 --out keys/retail.pem > retail.jwk.json"])
    .description("create a signing key: writes the private key to a file, prints the public JWK")
    .option("--out <file>", "file for the private key (PKCS#8 in PEM, mode 600); required")
    .addOption(new Option("--alg <name>", "algorithm").choices(SIGNING_ALGORITHMS).default(SIGNING_ALGORITHMS[0]))
    .option("--kid <text>", "key ID (default: today's date and the start of the key's thumbprint)")
    .option("--force", "replace the file, and so the key in it")
    .action(toEnd(async (options) => (await import("./keygen.ts")).keygen(options)));
  command("schema", ["> schema.json"])
    .description("print the JSON Schema (2020-12) of the configuration file")
    .action(
      toEnd(async () => {
        const { configurationSchema } = await import("../config/schema.ts");
        console.log(JSON.stringify(configurationSchema(), null, 2));
        return true;
      }),
    );
  return program;
}

/** Commander's message in one line. It only repeats names of options: a value may be a secret. */
function usageMessage({ code, message }: CommanderError, args: readonly string[]): string {
  if (code === "commander.excessArguments") return "too many arguments: this command only has options";
  let safe = message.replace("error: ", "");
  if (code === "commander.unknownCommand") safe = safe.replace(` '${args[0]}'`, "");
  if (code === "commander.invalidArgument") safe = safe.replace(/ argument '[^']*'/, "");
  for (const arg of args) {
    if (arg.startsWith("-") && arg.includes("=")) safe = safe.replaceAll(arg, arg.slice(0, arg.indexOf("=")));
  }
  return safe.replace("\n", " ").replace(/\.$/, "");
}

/** @returns the exit status */
function report(error: unknown): number {
  if (error instanceof ConfigError) {
    const { length } = error.faults;
    const details = error.details.replaceAll(/\^$/gm, styleText("red", "^", { stream: process.stderr }));
    console.error(`${details}\n${length} ${length === 1 ? "fault" : "faults"} in the configuration`);
    return EXIT_USAGE;
  }
  if (!(error instanceof UsageError || error instanceof ListenError)) throw error;
  console.error(error.message);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}
