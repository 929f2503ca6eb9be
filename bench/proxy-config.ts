// The configuration of the measured proxy, and a call for it.

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ProxyOptions {
  port: number;
  tokenEndpoint: string;
  /** One ES256 signature per call: the assertion of the jwt-bearer grant. */
  signs?: boolean;
  /** One getSession per call, at the origin of the token endpoint. */
  verifies?: boolean;
  /** The number of callers, providers and routes. The call is for the last of each. */
  count?: number;
}

export interface ProxySetup {
  file: string;
  /** Environment variables that the file refers to. */
  secrets: Record<string, string>;
  headers: Record<string, string>;
  body: string;
}

/** More than the connections of `--growth`. The default limit of a provider is 256. */
const MAX_IN_FLIGHT = 4_096;
const CLIENT_SECRET = "secret-of-the-client";
const NEXTAUTH_APIKEY = "apikey-of-the-proxy";
const NONCE = "bm9uY2Utb2YtYS1zZXNzaW9u";
const USER = { userid: "alice", accountid: 7 };
/** Without the padding of base64, so that the path has no percent-encoding. */
const serverid = (index: number) => Buffer.from(`server-${String(index).padStart(5, "0")}`).toString("base64");

/** What the nextAuth Server answers to getSession, by path. */
export const SESSION: readonly [path: string, text: string] = [
  `/servers/${serverid(0)}/sessions/`,
  JSON.stringify({ loggedin: true, ...USER }),
];

/** Writes the configuration file to the folder. */
export function writeProxyConfig(folder: string, name: string, options: ProxyOptions): ProxySetup {
  const { port, tokenEndpoint, signs = false, verifies = false, count = 1 } = options;
  const numbers = Array.from({ length: count }, (_, index) => index);
  const entries = <T>(of: (index: number) => T, kind: string) =>
    Object.fromEntries(numbers.map((index) => [`${kind}-${index}`, of(index)]));
  const provider = {
    token_endpoint: tokenEndpoint,
    client_id: "token-proxy",
    client_secret: { env: "CLIENT_SECRET" },
    token_endpoint_auth_method: "client_secret_basic",
    ...(signs
      ? { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" }
      : { grant_type: "urn:example:user", params: { userid: "{{userid}}", nonce: "{{nonce}}" } }),
    max_in_flight: MAX_IN_FLIGHT,
  };
  const config = {
    version: 1,
    server: { listen: `127.0.0.1:${port}`, admin: "127.0.0.1:0", max_in_flight: MAX_IN_FLIGHT },
    callers: entries((index) => ({ apikeys: [{ env: `APIKEY_${index}` }], serverids: [serverid(index)] }), "caller"),
    ...(verifies
      ? { nextauth: { url: new URL(tokenEndpoint).origin, apikey: { env: "NEXTAUTH_APIKEY" } } }
      : { get_token: { session: "trust" } }),
    ...(signs ? { signing: createSigning(folder, name) } : {}),
    providers: entries(() => provider, "provider"),
    ...(count > 1
      ? { routes: numbers.map((index) => ({ serverid: serverid(index), provider: `provider-${index}` })) }
      : {}),
  };
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify(config, null, 2));
  const last = count - 1;
  return {
    file,
    secrets: {
      CLIENT_SECRET,
      NEXTAUTH_APIKEY,
      ...Object.fromEntries(numbers.map((index) => [`APIKEY_${index}`, apikey(index)])),
    },
    headers: { "Content-Type": "application/json", "X-apikey": apikey(last) },
    body: JSON.stringify({ serverid: serverid(last), ...USER, nonce: NONCE }),
  };
}

const apikey = (index: number) => `apikey-of-the-caller-${index}`;

/** Generates a signing key for this run. */
function createSigning(folder: string, name: string): object {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = join(folder, `${name}.pem`);
  writeFileSync(pem, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return {
    issuer: "https://tokens.bank.example",
    keys: [{ kid: "bench", alg: "ES256", private_key: { file: pem } }],
  };
}
