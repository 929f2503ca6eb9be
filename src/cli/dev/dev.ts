// Dev mode: the proxy between a stand-in nextAuth Server and an embedded provider, or your own.

import { randomBytes } from "node:crypto";
import type { Config, ParsedFile } from "../../config/parse.ts";
import { UsageError } from "../../core/errors.ts";
import { isLoopback } from "../../core/url.ts";
import { ListenError, listen } from "../../node/inbound/listener.ts";
import { type Service, startService } from "../../node/service.ts";
import { type CallOptions, environment, loadFile } from "../configuration.ts";
import { createStandIn } from "./nextauth-server.ts";
import { curlLine, endpointsOf, fieldsOf, phoneForm, play, type Stage } from "./phone.ts";
import { startDevProvider } from "./provider.ts";

type DevOptions = Pick<CallOptions, "config" | "envFile"> & { allowRealProvider?: boolean };

const LOOPBACK = "127.0.0.1";

const write = (text: string) => void process.stdout.write(text);

const secret = () => randomBytes(32).toString("hex");
/** Of the caller, and of the proxy at the stand-in. */
const APIKEY = secret();
/** No variable can have a name with a colon. */
const APIKEY_REFERENCE = { env: "dev: apikey" };

/**
 * @throws {UsageError} in production, for an env file without a file, or for a provider on another
 * machine without permission
 * @throws {ConfigError | ListenError} as startService
 */
export async function startDev({ config: path = "", envFile, allowRealProvider }: DevOptions): Promise<Service> {
  if (process.env.NODE_ENV === "production") {
    throw new UsageError('dev gives tokens for any user, and NODE_ENV is "production": use start, or unset NODE_ENV');
  }
  if (envFile !== undefined && path === "") {
    throw new UsageError("--env-file is for the variables of your own file: add --config, or leave it out");
  }
  const embedded = path === "" ? await startDevProvider() : undefined;
  const standIn = createStandIn(APIKEY);
  const nextauth = await listen(standIn.fetch, { host: LOOPBACK, port: 0 }, "the stand-in nextAuth Server");

  const loadFor = (usesFilePorts: boolean) => (known?: ParsedFile) => {
    const { file, host } = embedded?.load() ?? loadFile(path, environment(envFile), known);
    const guard = allowRealProvider ? {} : { environmentProxy: async () => refuseRealHost };
    if (!allowRealProvider) refuseRealProviders(file.config); // a reload can bring one
    const changed = forDev(file.config, nextauth.url, usesFilePorts);
    const config = allowRealProvider ? changed : withEnvironmentProxy(changed);
    const read: typeof host.read = (reference, at) =>
      "env" in reference && reference.env === APIKEY_REFERENCE.env ? APIKEY : host.read(reference, at);
    return { file: { ...file, config }, host: { ...host, ...guard, read } };
  };
  const stage = (): Stage => ({ config: proxy.config(), standIn, url: proxy.url, apikey: APIKEY });
  const dev = { path: `/dev/${secret()}/`, render: (sent?: URLSearchParams) => phoneForm(stage(), sent) };
  const ownFiles = [path, envFile ?? ""].filter((file) => file !== "");
  const proxy = await startService(loadFor(true), { dev, ownFiles })
    .catch((error: unknown) => {
      if (!(error instanceof ListenError)) throw error;
      write("The usual ports are not free: this run uses others.\n\n");
      return startService(loadFor(false), { dev, ownFiles });
    })
    .catch(async (error: unknown) => {
      await Promise.all([embedded?.close(0), nextauth.close(0)]); // or the process would not end
      throw error;
    });

  write(`Dev mode: everything listens only on loopback, with keys made for this run. Not for production.

  provider          ${embedded === undefined ? `of ${path}` : `${embedded.url}  (embedded)`}
  nextAuth Server   ${nextauth.url}  (embedded stand-in)
  proxy             ${proxy.url}  ${[...endpointsOf(stage().config).keys()].join(", ")}
  play the phone    ${proxy.adminUrl}${dev.path}
  status page       ${proxy.adminUrl}/

The page that plays the phone gets tokens for any user: its address is a secret of this run.
`);
  if (embedded !== undefined) await showCall(stage());
  write("\nCtrl-C stops.\n");
  return proxy;
}

async function showCall(stage: Stage): Promise<void> {
  const [endpoint = ""] = endpointsOf(stage.config).keys();
  const form = new URLSearchParams({ endpoint });
  for (const [name, text] of fieldsOf(stage.config)) form.set(`value:${name}`, text);
  const { call, response } = await play(form, stage);
  write(`
One getToken call: app -> nextAuth Server -> proxy -> provider and back.
The app's TokenResult, with status ${response.status} and ${response.bytes.length} bytes:

${new TextDecoder().decode(response.bytes)}
Repeat this call:

  ${curlLine(call)}

To use your own provider, write its file with "init", and start "dev --config FILE".
`);
}

/** @throws {UsageError} */
function refuseRealProviders({ providers }: Config): void {
  const urls = Object.values(providers).flatMap((one) => [one.issuer, one.metadata_url, one.token_endpoint]);
  const real = urls.find((url) => url !== undefined && !isLoopback(new URL(url).hostname));
  if (real === undefined) return;
  throw new UsageError(
    `the provider ${real} is on another machine, and anyone who can use the page of dev gets tokens for any user ` +
      "from it; if it is for tests and you trust all users of this machine, add --allow-real-provider",
  );
}

/** Discovery and metadata_url can name one too; each connection asks here for its egress proxy. */
function refuseRealHost({ hostname }: URL): undefined {
  if (isLoopback(hostname)) return;
  throw Object.assign(new Error("on another machine"), { code: "NEEDS_ALLOW_REAL_PROVIDER" });
}

/** Connections to loopback use no proxy in any case. */
function withEnvironmentProxy(config: Config): Config {
  const providers = Object.entries(config.providers).map(([name, one]) => [name, { ...one, proxy: undefined }]);
  return { ...config, server: { ...config.server, env_proxy: true }, providers: Object.fromEntries(providers) };
}

/** Puts loopback and the stand-in in place of listeners, callers and nextAuth Servers. */
function forDev(config: Config, url: string, usesFilePorts: boolean): Config {
  const { server, nextauth } = config;
  const onLoopback = ({ port }: { port: number }) => ({ host: LOOPBACK, port: usesFilePorts ? port : 0 });
  const addresses = { listen: onLoopback(server.listen), admin: onLoopback(server.admin), admin_hosts: [] };
  const standIn = { url, apikey: APIKEY_REFERENCE, su: undefined, tls: undefined, proxy: undefined };
  return {
    ...config,
    server: { ...server, ...addresses, tls: undefined },
    callers: { dev: { apikeys: [APIKEY_REFERENCE], client_certificates: [], serverids: undefined } },
    nextauth: nextauth.map((one) => ({ ...one, ...standIn })),
  };
}
