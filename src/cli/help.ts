// What --help prints below the options of each command.

const USAGE_STATUS = "2  wrong usage, or a fault in the configuration file, a secret, a key or a certificate";

const ENVIRONMENT = `Environment:
  TOKEN_PROXY_CONFIG   the configuration file, if --config is not given
  Variables that the configuration file names as { env: NAME }. --env-file can supply those that are not set.`;

const NO_COLOR = "  NO_COLOR             no colours on a terminal";

export const PROGRAM_HELP = `
Without a command, "start" runs.

Exit status:
  0  success
  1  the operation failed
  2  wrong usage or configuration

${ENVIRONMENT}
${NO_COLOR}

More:
  nextauth-token-proxy COMMAND --help
  README.md`;

export const START_HELP = `
Examples:
  nextauth-token-proxy start
  nextauth-token-proxy start --config token-proxy.yaml
  nextauth-token-proxy start --config token-proxy.yaml --env-file .env

Exit status:
  0  stopped by SIGTERM or SIGINT
  1  the service cannot listen, or the stop cut off calls
  ${USAGE_STATUS}

${ENVIRONMENT}
${NO_COLOR}
  LISTEN_FDS, LISTEN_PID   a socket from systemd, used instead of server.listen`;

export const CHECK_HELP = `
Examples:
  nextauth-token-proxy check --config token-proxy.yaml
  nextauth-token-proxy check --live --userid alice --value serverid=c2VydmVyLTE= --value nonce=env:NONCE

Exit status:
  0  no failure; there may be warnings
  1  a provider or a nextAuth Server failed
  ${USAGE_STATUS}

${ENVIRONMENT}`;

export const GET_TOKEN_HELP = `
Examples:
  nextauth-token-proxy get-token --userid alice --value nonce=env:NONCE
  nextauth-token-proxy get-token --url https://tokens.bank.example --userid alice > token.json

Exit status:
  0  the proxy answered with a token
  1  no answer, or an error as the answer
  ${USAGE_STATUS}

${ENVIRONMENT}`;

export const KEYGEN_HELP = `
Examples:
  nextauth-token-proxy keygen --out keys/2026-11.pem --kid 2026-11
  nextauth-token-proxy keygen --alg PS256 --out keys/retail.pem > retail.jwk.json

Exit status:
  0  the key was created
  2  wrong usage, or the file cannot be written`;

export const SCHEMA_HELP = `
Examples:
  nextauth-token-proxy schema > schema.json

Exit status:
  0  always
  2  wrong usage`;
