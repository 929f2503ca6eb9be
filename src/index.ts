// Library entry point: a Hono app from the text of a configuration file, for Node.

import type { IncomingMessage } from "node:http";
import { type Context, Hono } from "hono";
import { honoPath } from "./app.ts";
import { parseConfig } from "./config/parse.ts";
import type { OnReport } from "./core/call-report.ts";
import type { Log } from "./core/ports.ts";
import { createNodeCredentialHost } from "./node/credentials.ts";
import { isAmbiguous } from "./node/inbound/inbound.ts";
import { createProgram } from "./node/program.ts";
import type { Signer } from "./oauth/signer.ts";
import { publishedDocuments } from "./steps/published-documents.ts";

export type { CallReport } from "./core/call-report.ts";
export { ConfigError } from "./core/errors.ts";
export type { Log } from "./core/ports.ts";
export type { Signer } from "./oauth/signer.ts";

export interface CreateAppOptions {
  /** Where `{ env: NAME }` looks; the environment of this process by default. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The base of relative `{ file: PATH }` paths; the working directory by default. */
  folder?: string;
  /** For `private_key: signer`, found by kid: keys in an HSM or a cloud KMS. */
  signers?: readonly Signer[];
  /** Called once per call, after its response was sent or its caller has hung up. */
  onCall?: OnReport;
  /** Gets every line, whatever `log.level` says; must not throw. Nothing is written by default. */
  log?: Log;
  /** Shown as the name of the file in its faults. */
  fileName?: string;
}

/**
 * Mount the app with `app.route("/", proxy)` or serve it as it is, in both cases with
 * @hono/node-server. The paths of the file are complete paths. The app runs no timers and needs no
 * closing: calls discover the providers.
 * @param text the configuration file; of `server`, only trusted_proxies, max_in_flight, env_proxy
 * @throws {ConfigError} for a faulty file, and for an unusable secret, key or certificate
 */
export async function createApp(text: string, options: CreateAppOptions = {}): Promise<Hono> {
  const { env = process.env, folder = ".", signers = [], onCall = () => {}, log = () => {} } = options;
  const file = parseConfig(text, options.fileName ?? "token-proxy.yaml");
  const host = {
    ...createNodeCredentialHost(env, folder),
    signers,
    listens: false,
    pinFault: () => undefined, // the server around the app decides which certificates to request
  };
  const onReport: OnReport = (report) => {
    try {
      onCall(report);
    } catch (error) {
      // The token is already there and must not get lost.
      log("error", "onCall failed", { reason: error instanceof Error ? error.name : typeof error });
    }
  };
  const program = await createProgram(file, host, { log, onReport });

  // A mounted app uses its parent's getPath and notFound; passing requests on keeps ours.
  const pass = async (c: Context) => {
    const incoming: IncomingMessage | undefined = c.env?.incoming;
    if (incoming === undefined) throw new TypeError(NO_INCOMING);
    // As on our own listener. HTTP/2 has no ambiguous requests.
    if (incoming.httpVersionMajor < 2 && isAmbiguous(incoming)) return c.body(null, 400, { Connection: "close" });
    return program.fetch(c.req.raw, c.env);
  };
  const { get_token, webnonce_exchange, signing } = program.config;
  const routes = [...get_token, ...webnonce_exchange, ...publishedDocuments(signing?.issuer, [])];
  const app = new Hono();
  for (const path of new Set(routes.map((route) => honoPath(route.path)))) app.all(path, pass);
  return app.notFound(pass);
}

const NO_INCOMING =
  'the request\'s env has no "incoming": serve the app with @hono/node-server, and if you wrap fetch, pass on its second argument';
