// Makes a Hono app of a configuration file's text, for whoever serves one of their own on Node.

import type { IncomingMessage } from "node:http";
import { type Context, Hono } from "hono";
import type { Config } from "./config/complete.ts";
import { parseConfig } from "./config/parse.ts";
import type { Observe } from "./core/call-report.ts";
import type { Log } from "./core/ports.ts";
import { Secret } from "./core/secret.ts";
import { createNodeCredentialHost } from "./node/credentials.ts";
import { nodeIds } from "./node/host.ts";
import { isAmbiguous } from "./node/inbound/ambiguous.ts";
import { createProgram } from "./node/program.ts";
import { wellKnownDocuments } from "./steps/published-documents.ts";

export type { CallReport } from "./core/call-report.ts";
export { ConfigError } from "./core/errors.ts";
export type { Log } from "./core/ports.ts";

export interface CreateAppOptions {
  /** Where `{ env: NAME }` looks; by default the variables of this process. */
  env?: Readonly<Record<string, string | undefined>>;
  /** What a relative `{ file: PATH }` is relative to; by default the working directory. */
  folder?: string;
  /** Is told of each call. The caller's answer waits for it. */
  onCall?: Observe;
  /** Is given every line, whatever `log.level` says; by default nothing is written. */
  log?: Log;
  /** What the file is called in its faults. */
  fileName?: string;
}

/**
 * The app goes into another one by `app.route("/", proxy)`, or is served as it is; by @hono/node-server, which says how a request
 * came in. The paths of the file are whole paths. Providers are discovered by the calls: no timer runs, and nothing has to be closed.
 * @param text the configuration file; of its `server` part, trusted_proxies and max_in_flight have an effect
 * @throws {ConfigError} for a faulty file, and for a secret, key or certificate that cannot be used
 */
export async function createApp(text: string, options: CreateAppOptions = {}): Promise<Hono> {
  const { env = process.env, folder = ".", onCall = () => {}, log = () => {}, fileName = "token-proxy.yaml" } = options;
  const file = parseConfig(text, fileName);
  const host = {
    ...createNodeCredentialHost(env, folder),
    listens: false,
    pinFault: () => undefined, // which certificates are asked for is up to whoever listens
  };
  const observe: Observe = (report) => {
    try {
      onCall(report);
    } catch (error) {
      // A token that is there already must not be lost over it.
      log("error", "onCall failed", { reason: error instanceof Error ? error.name : typeof error });
    }
  };
  const identitiesKey = new Secret(nodeIds.uuid() + nodeIds.uuid());
  const program = await createProgram(file, host, { log, observe, identitiesKey });

  const pass = (c: Context) => {
    const incoming: IncomingMessage | undefined = c.env?.incoming;
    if (incoming === undefined) throw new TypeError(NO_INCOMING);
    // As our own listener does. HTTP/2 has one way to be read.
    if (incoming.httpVersionMajor < 2 && isAmbiguous(incoming)) return c.body(null, 400, { Connection: "close" });
    return program.fetch(c.req.raw, c.env);
  };
  const app = new Hono();
  for (const path of pathsOf(program.config)) app.all(path, pass);
  return app.notFound(pass); // which goes into no other app
}

const NO_INCOMING =
  'the env of the request has no "incoming": serve the app with @hono/node-server, and where fetch is wrapped hand its second argument on';

/** All that the program answers, in the words of Hono's router. It looks at the path itself then, letter for letter as it was sent. */
function pathsOf({ get_token, webnonce_exchange, signing }: Config): Set<string> {
  const published = signing?.issuer === undefined ? [] : wellKnownDocuments(signing.issuer, []);
  const own = webnonce_exchange === undefined ? [] : [webnonce_exchange];
  const paths = [...get_token, ...own, ...published].map(({ path }) => path.replaceAll(/\{(.+?)\}/g, ":$1"));
  return new Set(paths);
}
