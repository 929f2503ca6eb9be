// Dev mode: the proxy between a stand-in nextAuth Server and an embedded provider, or your own.

import { randomBytes } from "node:crypto";
import { styleText } from "node:util";
import { decodeJwt } from "jose";
import type { Config } from "../../config/complete.ts";
import type { CredentialHost } from "../../config/credentials.ts";
import { type ParsedFile, parseConfig } from "../../config/parse.ts";
import { UsageError } from "../../core/errors.ts";
import { isLoopback } from "../../core/url.ts";
import { createNodeCredentialHost } from "../../node/credentials.ts";
import { ListenError, type Listener, listen } from "../../node/inbound/listener.ts";
import { type Service, startService } from "../../node/service.ts";
import { environment, loadFile } from "../configuration.ts";
import { createStandIn } from "./nextauth-server.ts";
import { curlLine, endpointsOf, fieldsOf, play, type Stage } from "./phone.ts";
import { phoneForm } from "./phone-form.ts";
import { createDevProvider, DEV_CLIENT_ID, DEV_GRANT_TYPE } from "./provider.ts";

export interface DevOptions {
  config?: string;
  envFile?: string;
  allowRealProvider?: boolean;
}

const LOOPBACK = "127.0.0.1";
const ANY_PORT = { host: LOOPBACK, port: 0 };
/** Used instead of a file name in errors. */
const DEV_FILE = "dev mode";

const write = (text: string) => void process.stdout.write(text);
/** Plain in a pipe and under NO_COLOR. */
const bold = (text: string) => styleText("bold", text, { stream: process.stdout });
const newSecret = () => randomBytes(24).toString("hex");

/** @throws {UsageError} in production, or for a provider on another machine without permission */
export async function startDev(options: DevOptions): Promise<Service> {
  if (process.env.NODE_ENV === "production") {
    throw new UsageError('dev gives tokens for any user, and NODE_ENV is "production": use start, or unset NODE_ENV');
  }
  const listeners: Listener[] = [];
  const closeAll = () => Promise.all(listeners.map((listener) => listener.close(0)));
  try {
    const service = await startAll(options, listeners);
    const stop = async () => {
      const cut = await service.stop(true);
      await closeAll();
      return cut;
    };
    return { ...service, stop };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** @param listeners gets those of the provider and the nextAuth Server */
async function startAll(options: DevOptions, listeners: Listener[]): Promise<Service> {
  /** Made for this run, by the name under which the configuration refers to them. */
  const made = new Map<string, string>();
  const make = (name: string) => {
    if (!made.has(name)) made.set(name, newSecret());
    return { env: name };
  };
  const secretOf = (name: string) => made.get(make(name).env) as string;
  const embedded = options.config === undefined ? await startEmbedded(listeners) : undefined;
  const loadOwn = (known?: ParsedFile) => loadFile(options.config as string, environment(options.envFile), known);
  const { load: loadAny } = embedded ?? { load: loadOwn };
  const standIn = createStandIn(secretOf(NEXTAUTH_KEY));
  const nextauth = await listen(standIn.fetch, ANY_PORT, "the stand-in nextAuth Server");
  listeners.push(nextauth);

  let isAnyPort = false;
  let config: Config;
  const load = (known?: ParsedFile) => {
    const { file, host } = loadAny(known);
    if (options.allowRealProvider !== true) refuseRealProviders(file.config); // a reload can bring one
    config = known?.config ?? forDev(file.config, nextauth.url, isAnyPort, make);
    const read: CredentialHost["read"] = (reference, at) =>
      ("env" in reference ? made.get(reference.env) : undefined) ?? host.read(reference, at);
    return { file: { ...file, config }, host: { ...host, read } };
  };
  const path = `/dev/${newSecret()}/`;
  const stage = (): Stage => ({ config, standIn, url: proxy.url, apikeyOf: (name) => secretOf(callerKey(name)) });
  const start = () => {
    const ownFiles = [options.config, options.envFile].filter((file) => file !== undefined);
    return startService(load, { dev: { path, render: (sent) => phoneForm(stage(), sent) }, ownFiles });
  };
  const proxy = await start().catch((error: unknown) => {
    if (!(error instanceof ListenError)) throw error;
    isAnyPort = true; // another program uses the usual ports
    return start();
  });

  if (isAnyPort) write("The usual ports are not free: this run uses others.\n\n");
  write(`${bold("Dev mode")}: everything listens only on loopback, with keys made for this run. Not for production.

  provider          ${embedded === undefined ? "your own" : `${embedded.url}  (embedded)`}
  nextAuth Server   ${nextauth.url}  (embedded stand-in)
  proxy             ${proxy.url}  ${[...endpointsOf(stage().config).keys()].join(", ")}
  play the phone    ${proxy.adminUrl}${path}
  status page       ${proxy.adminUrl}/

The page that plays the phone gets tokens for any user: its address is a secret of this run.
`);
  if (embedded !== undefined) await showCall(stage(), embedded.lastResponse);
  else write(`Replaced for this run: ${REPLACED}. Ctrl-C stops.\n`);
  return proxy;
}

/** @throws {Error} if the app does not get the provider's bytes: this installation is broken */
async function showCall(stage: Stage, lastResponse: () => string | undefined): Promise<void> {
  const [getToken, exchange] = endpointsOf(stage.config).keys();
  const playing = (endpoint = "") => {
    const form = new URLSearchParams({ endpoint });
    for (const [name, text] of fieldsOf(stage.config)) form.set(`value:${name}`, text);
    return play(form, stage);
  };
  const started = performance.now();
  const { call, answer } = await playing(getToken);
  const milliseconds = Math.round(performance.now() - started);
  const text = new TextDecoder().decode(answer.bytes);
  if (answer.status !== 200 || text !== lastResponse()) {
    write(
      `The getToken call failed with status ${answer.status}: ${text}\nInstall again with "npm ci", and start again.\n`,
    );
    throw new Error("dev mode failed");
  }
  write(`
${bold("One getToken call")}: app -> nextAuth Server -> proxy -> provider and back, in ${milliseconds} ms.
The app's TokenResult, ${answer.bytes.length} bytes, the same as the provider sent:

${text}
Claims of its access_token: ${JSON.stringify(decodeJwt(JSON.parse(text).access_token))}

${bold("Repeat this call:")}

  ${curlLine(call)}

${bold("Exchange the app's webNonce for a token, as a standard OAuth client does:")}

  ${curlLine((await playing(exchange)).call)}

To use your own provider, write its file with "init", and start "dev --config FILE". Ctrl-C stops.
`);
}

/** @throws {UsageError} */
function refuseRealProviders({ providers }: Config): void {
  for (const [name, { issuer, token_endpoint, metadata_url }] of Object.entries(providers)) {
    const hosts = [issuer, token_endpoint, metadata_url].flatMap((url) => (url ? [new URL(url).hostname] : []));
    const real = hosts.find((host) => !isLoopback(host));
    if (real === undefined) continue;
    throw new UsageError(
      `the provider "${name}" is on another machine (${real}), and anyone who can use the page of dev gets tokens ` +
        "for any user from it; if it is for tests and you trust all users of this machine, add --allow-real-provider",
    );
  }
}

const NEXTAUTH_KEY = "dev: nextAuth Server";
const callerKey = (name: string) => `dev: caller ${name}`;
const REPLACED =
  "server.listen, server.admin and server.tls, the keys and certificates of callers, url and apikey of nextauth";

/** Puts loopback and the stand-in in place of the file's listeners, callers and nextAuth Servers. */
function forDev(config: Config, url: string, isAnyPort: boolean, make: (name: string) => { env: string }): Config {
  const { server, callers, nextauth } = config;
  const onLoopback = ({ port }: { port: number }) => ({ host: LOOPBACK, port: isAnyPort ? 0 : port });
  const none = { su: undefined, tls: undefined, proxy: undefined };
  return {
    ...config,
    server: {
      ...server,
      ...{ listen: onLoopback(server.listen), admin: onLoopback(server.admin), admin_hosts: [], tls: undefined },
    },
    callers: Object.fromEntries(
      Object.entries(callers).map(([name, caller]) => {
        return [name, { ...caller, apikeys: [make(callerKey(name))], client_certificates: [] }];
      }),
    ),
    nextauth: nextauth.map((one) => ({ ...one, ...none, url, apikey: make(NEXTAUTH_KEY) })),
  };
}

async function startEmbedded(listeners: Listener[]) {
  const secret = newSecret();
  const { fetch, lastResponse } = await createDevProvider(secret);
  const listener = await listen(fetch, ANY_PORT, "the embedded provider");
  listeners.push(listener);
  const text = `
version: 1
callers: { nextauth-server: { apikeys: [{ env: DEV }], serverids: [ZGV2] } }
nextauth: { url: "http://${LOOPBACK}", apikey: { env: DEV }, serverid: ZGV2 }
webnonce_exchange: { path: /token }
providers:
  dev:
    issuer: ${listener.url}
    client_id: ${DEV_CLIENT_ID}
    client_secret: { env: DEV_CLIENT_SECRET }
    grant_type: ${DEV_GRANT_TYPE}
    scope: openid
    params: { userid: "{{userid}}", accountid: "{{accountid}}" }
log: { level: warn }
`;
  const host = createNodeCredentialHost({ DEV_CLIENT_SECRET: secret }, ".");
  const load = (known?: ParsedFile) => ({ file: known ?? parseConfig(text, DEV_FILE), host });
  return { url: listener.url, lastResponse, load };
}
