// Configuration files for tests, as objects: JSON is YAML.

import { APIKEY } from "./call.ts";

export const SECRETS = { APIKEY, CLIENT_SECRET: "s3cret of the client" };

/** A provider that is asked for a token for a named user. */
export function providerConfig(tokenEndpoint: string, changes: object = {}): object {
  return {
    token_endpoint: tokenEndpoint,
    client_id: "token-proxy",
    client_secret: { env: "CLIENT_SECRET" },
    grant_type: "urn:example:user",
    params: { userid: "{{userid}}", nonce: "{{nonce}}" },
    ...changes,
  };
}

/** Free ports, an end without a wait for load balancers, a /readyz that ignores the time. */
export const SERVER = { listen: "127.0.0.1:0", admin: "127.0.0.1:0", shutdown_delay: "0s", readiness: "all" };

/** A whole file with one provider named `main`, on free ports. */
export function fileConfig(tokenEndpoint: string, changes: { provider?: object; file?: object } = {}): object {
  return {
    version: 1,
    server: SERVER,
    callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }] } },
    providers: { main: providerConfig(tokenEndpoint, changes.provider) },
    ...trusted(changes.file),
  };
}

interface Timed {
  timeout?: string;
  connect_timeout?: string;
}

/**
 * Of a provider or nextAuth Server: on a busy machine, a connection can take over a second. A short
 * timeout of a test is for the answer.
 */
function withTime<Peer extends Timed>(peer: Peer) {
  const { timeout = "30s", connect_timeout = "30s" } = peer;
  return { ...peer, timeout, connect_timeout };
}

interface Peers {
  get_token?: Timed;
  nextauth?: Timed | Timed[];
  providers?: Record<string, Timed>;
}

/** A file whose calls and peers have time where it does not set their timeouts. */
export function withTimeForAll(file: Peers): object {
  const { get_token, nextauth, providers } = file;
  return {
    ...file,
    ...(get_token && !Array.isArray(get_token) && { get_token: { timeout: "5m", ...get_token } }),
    ...(nextauth && { nextauth: Array.isArray(nextauth) ? nextauth.map(withTime) : withTime(nextauth) }),
    ...(providers && {
      providers: Object.fromEntries(Object.entries(providers).map(([name, one]) => [name, withTime(one)])),
    }),
  };
}

/** Without `nextauth`, a file must say that it trusts its callers. Calls have time. */
function trusted({ get_token = {}, ...file }: { get_token?: object; nextauth?: object } = {}): object {
  const trust = file.nextauth === undefined ? { session: "trust" } : {};
  const complete = (binding: object) => ({ timeout: "5m", ...trust, ...binding });
  return { ...file, get_token: Array.isArray(get_token) ? get_token.map(complete) : complete(get_token) };
}
