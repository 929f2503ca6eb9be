// What --help says beyond the options: examples, exit statuses, and the environment variables that count.

const PROGRAM = "nextauth-token-proxy";

interface HelpParts {
  examples: readonly string[];
  exit: readonly string[];
  environment: readonly string[];
}

const CONFIG_VARIABLE = "TOKEN_PROXY_CONFIG   the configuration file, where --config is not given";
const SECRET_VARIABLES = "whatever { env: NAME } of the file names; --env-file gives those that are not set";
const WRONG_USAGE = "2  wrong usage, or a fault of the configuration, a secret, a key or a certificate";

const COMMANDS = {
  start: {
    examples: ["start", "start --config token-proxy.yaml", "start --config token-proxy.yaml --env-file .env"],
    exit: ["0  stopped by SIGTERM or SIGINT", "1  calls were cut off by the stop, or it cannot listen", WRONG_USAGE],
    environment: [
      CONFIG_VARIABLE,
      "NO_COLOR             no colours on a terminal",
      "LISTEN_FDS, LISTEN_PID   a socket that systemd holds, in place of server.listen",
      SECRET_VARIABLES,
    ],
  },
  check: {
    examples: [
      "check --config token-proxy.yaml",
      "check --live --userid alice --value serverid=c2VydmVyLTE= --value nonce=env:NONCE",
    ],
    exit: ["0  all is well; there may be warnings", "1  a provider or a nextAuth Server failed", WRONG_USAGE],
    environment: [CONFIG_VARIABLE, SECRET_VARIABLES],
  },
  "get-token": {
    examples: [
      "get-token --userid alice --value nonce=env:NONCE",
      "get-token --url https://tokens.bank.example --userid alice > token.json",
    ],
    exit: ["0  a token came", "1  none came", WRONG_USAGE],
    environment: [CONFIG_VARIABLE, SECRET_VARIABLES],
  },
  keygen: {
    examples: [
      "keygen --out keys/2026-11.pem --kid 2026-11",
      "keygen --alg PS256 --out keys/retail.pem > retail.jwk.json",
    ],
    exit: ["0  the key is there", "2  wrong usage, or the file cannot be written"],
    environment: ["none"],
  },
  schema: {
    examples: ["schema > schema.json"],
    exit: ["0  always", "2  wrong usage"],
    environment: ["none"],
  },
} as const satisfies Record<string, HelpParts>;

export type CommandName = keyof typeof COMMANDS;
export const COMMAND_NAMES = Object.keys(COMMANDS) as CommandName[];

/** @returns what stands below the options of one command */
export function helpOf(name: CommandName): string {
  const { examples, exit, environment } = COMMANDS[name];
  return sections([
    ["Examples", examples.map((example) => `${PROGRAM} ${example}`)],
    ["Exit status", exit],
    ["Environment", environment],
  ]);
}

/** @returns what stands below the list of commands */
export function helpOfAll(): string {
  return sections([
    ["Exit status", ["0  well", "1  the operation failed", "2  wrong usage or configuration"]],
    ["Environment", [CONFIG_VARIABLE, "NO_COLOR             no colours on a terminal", SECRET_VARIABLES]],
    ["More", [`${PROGRAM} COMMAND --help`, "README.md"]],
  ]);
}

function sections(parts: readonly (readonly [string, readonly string[]])[]): string {
  return parts.map(([title, lines]) => `\n${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`).join("\n");
}
