// Dev mode: the proxy between a stand-in nextAuth Server and an embedded provider, or your own.

import { createHmac, randomBytes } from "node:crypto";
import { styleText } from "node:util";
import { decodeJwt } from "jose";
import type { Config, ParsedFile } from "../../config/parse.ts";
import { UsageError } from "../../core/errors.ts";
import { isLoopback } from "../../core/url.ts";
import { ListenError, listen } from "../../node/inbound/listener.ts";
import { type Service, startService } from "../../node/service.ts";
import { type CallOptions, environment, loadFile } from "../configuration.ts";
import { createStandIn } from "./nextauth-server.ts";
import { curlLine, endpointsOf, fieldsOf, play, type Stage } from "./phone.ts";
import { phoneForm } from "./phone-form.ts";
import { startDevProvider } from "./provider.ts";

type DevOptions = Pick<CallOptions, "config" | "envFile"> & { allowRealProvider?: boolean };

const LOOPBACK = "127.0.0.1";

const write = (text: string) => void process.stdout.write(text);
/** Plain in a pipe and under NO_COLOR. */
const bold = (text: string) => styleText("bold", text, { stream: process.stdout });

const SEED = randomBytes(32);
/** No variable in a file can have a name with a colon. */
const NEXTAUTH_KEY = "dev: nextauth";
const callerKey = (name: string) => `dev: caller ${name}`;
/** @returns a secret of this run */
const secretOf = (name: string) => createHmac("sha256", SEED).update(name).digest("hex");

/**
 * @throws {UsageError} in production, or for a provider on another machine without permission
 * @throws {ConfigError | ListenError} as startService
 */
export async function startDev({ config: path = "", envFile, allowRealProvider }: DevOptions): Promise<Service> {
  if (process.env.NODE_ENV === "production") {
    throw new UsageError('dev gives tokens for any user, and NODE_ENV is "production": use start, or unset NODE_ENV');
  }
  const embedded = path === "" ? await startDevProvider() : undefined;
  const standIn = createStandIn(secretOf(NEXTAUTH_KEY));
  const nextauth = await listen(standIn.fetch, { host: LOOPBACK, port: 0 }, "the stand-in nextAuth Server");
  const closeOthers = () => Promise.all([embedded?.close(0), nextauth.close(0)]);

  const loadFor = (usesFilePorts: boolean) => (known?: ParsedFile) => {
    const { file, host } = embedded?.load() ?? loadFile(path, environment(envFile), known);
    const guard = allowRealProvider ? {} : { environmentProxy: async () => refuseRealHost };
    if (!allowRealProvider) refuseRealProviders(file.config); // a reload can bring one
    const changed = forDev(file.config, nextauth.url, usesFilePorts);
    const config = allowRealProvider ? changed : withEnvironmentProxy(changed);
    const read: typeof host.read = (reference, at) =>
      "env" in reference && reference.env.startsWith("dev: ") ? secretOf(reference.env) : host.read(reference, at);
    return { file: { ...file, config }, host: { ...host, ...guard, read } };
  };
  const stage = (): Stage => ({
    config: proxy.config(),
    standIn,
    url: proxy.url,
    apikeyOf: (name) => secretOf(callerKey(name)),
  });
  const dev = { path: `/dev/${secretOf("page")}/`, render: (sent?: URLSearchParams) => phoneForm(stage(), sent) };
  const ownFiles = [path, envFile ?? ""].filter((file) => file !== "");
  const proxy = await startService(loadFor(true), { dev, ownFiles })
    .catch((error: unknown) => {
      if (!(error instanceof ListenError)) throw error;
      write("The usual ports are not free: this run uses others.\n\n");
      return startService(loadFor(false), { dev, ownFiles });
    })
    .catch(async (error: unknown) => {
      await closeOthers();
      throw error;
    });

  write(`${bold("Dev mode")}: everything listens only on loopback, with keys made for this run. Not for production.

  provider          ${embedded === undefined ? `of ${path}` : `${embedded.url}  (embedded)`}
  nextAuth Server   ${nextauth.url}  (embedded stand-in)
  proxy             ${proxy.url}  ${[...endpointsOf(stage().config).keys()].join(", ")}
  play the phone    ${proxy.adminUrl}${dev.path}
  status page       ${proxy.adminUrl}/

The page that plays the phone gets tokens for any user: its address is a secret of this run.
`);
  if (embedded !== undefined) await showCall(stage(), embedded.lastResponse);
  else write(`${REPLACED}\nCtrl-C stops.\n`);
  const stop = async () => {
    const cut = await proxy.stop(true);
    await closeOthers();
    return cut;
  };
  return { ...proxy, stop };
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
  const { call, response } = await playing(getToken);
  const milliseconds = Math.round(performance.now() - started);
  const text = new TextDecoder().decode(response.bytes);
  if (response.status !== 200 || text !== lastResponse()) {
    write(`The getToken call failed with status ${response.status}: ${text}\nInstall again with "npm ci".\n`);
    throw new Error("dev mode failed");
  }
  write(`
${bold("One getToken call")}: app -> nextAuth Server -> proxy -> provider and back, in ${milliseconds} ms.
The app's TokenResult, ${response.bytes.length} bytes, the same as the provider sent:

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
  for (const [name, { issuer, token_endpoint, metadata_url, proxy }] of Object.entries(providers)) {
    const urls = [issuer, token_endpoint, metadata_url, typeof proxy === "object" ? proxy.url : undefined];
    const hosts = urls.flatMap((url) => (url ? [new URL(url).hostname] : []));
    const real = hosts.find((host) => !isLoopback(host));
    if (real === undefined) continue;
    throw new UsageError(
      `the provider "${name}" is on another machine (${real}), and anyone who can use the page of dev gets tokens ` +
        "for any user from it; if it is for tests and you trust all users of this machine, add --allow-real-provider",
    );
  }
}

/** Discovery can name another machine; each connection asks here for its egress proxy. */
function refuseRealHost({ hostname }: URL): undefined {
  if (isLoopback(hostname)) return;
  throw Object.assign(new Error("on another machine"), { code: "NEEDS_ALLOW_REAL_PROVIDER" });
}

/** Connections to loopback use no proxy in any case. */
function withEnvironmentProxy(config: Config): Config {
  const providers = Object.entries(config.providers).map(([name, one]) => [name, { ...one, proxy: undefined }]);
  return { ...config, server: { ...config.server, env_proxy: true }, providers: Object.fromEntries(providers) };
}

const REPLACED = `
Replaced for this run: server.listen and server.admin (loopback), server.tls (none), the keys and certificates of callers,
and url, apikey and connection of nextauth (the stand-in). Everything else is as in the file.`;

/** Puts loopback and the stand-in in place of listeners, callers and nextAuth Servers. */
function forDev(config: Config, url: string, usesFilePorts: boolean): Config {
  const { server, callers, nextauth } = config;
  const onLoopback = ({ port }: { port: number }) => ({ host: LOOPBACK, port: usesFilePorts ? port : 0 });
  const addresses = { listen: onLoopback(server.listen), admin: onLoopback(server.admin), admin_hosts: [] };
  const withKey = Object.entries(callers).map(([name, { serverids }]) => {
    return [name, { serverids, apikeys: [{ env: callerKey(name) }], client_certificates: [] }];
  });
  const standIn = { url, apikey: { env: NEXTAUTH_KEY }, su: undefined, tls: undefined, proxy: undefined };
  return {
    ...config,
    server: { ...server, ...addresses, tls: undefined },
    callers: Object.fromEntries(withKey),
    nextauth: nextauth.map((one) => ({ ...one, ...standIn })),
  };
}
