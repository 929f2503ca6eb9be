// The command `check`: is the file right, are its secrets there, do its providers answer, and does one of them give a token?

import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Config, ProviderConfig } from "../config/complete.ts";
import { type Credentials, loadCredentials } from "../config/credentials.ts";
import { UsageError } from "../core/errors.ts";
import { createTracer, startTrace } from "../core/trace.ts";
import type { Values } from "../core/values.ts";
import { getToken, type UseCase } from "../get-token.ts";
import { createNextAuthServers } from "../nextauth/servers.ts";
import { nodeClock, nodeIds } from "../node/host.ts";
import { createNodeBulkhead } from "../node/outbound/bulkhead.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import type { Answer } from "../oauth/judge-answer.ts";
import { createProviders, type Provider } from "../oauth/provider.ts";
import { describeClientCertificate, describeServerCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { watchClocks } from "./check-clock.ts";
import { checkNextAuthServers } from "./check-nextauth.ts";
import { environment, findFile, loadFile, NO_FILE } from "./configuration.ts";
import { explain, line } from "./report.ts";
import { readValues, type ValueOptions } from "./values.ts";

export interface CheckOptions extends ValueOptions {
  config?: string;
  envFile?: string;
  live?: boolean;
}

const LOOK_UP_TIMEOUT_MS = 10_000;

/**
 * Prints what it found; secrets and tokens never.
 * @returns whether all is well
 * @throws {ConfigError} for a faulty file
 */
export async function check(options: CheckOptions): Promise<boolean> {
  const env = environment(options.envFile);
  const values = options.live === true ? readValues(options, env) : undefined;
  const path = findFile(options.config, env);
  if (path === undefined) throw new UsageError(NO_FILE);
  const { file, host } = loadFile(path, env);
  const credentials = await loadCredentials(file, host);
  const { config } = file;
  assertCallable(values, config);
  const clocks = watchClocks();
  const deps = {
    config,
    credentials,
    createTransport: clocks.createTransport,
    createBulkhead: createNodeBulkhead,
    clock: nodeClock,
    ids: nodeIds,
    log: (level: string, event: string) => console.error(`${level}: ${event}`),
  };
  const providers = createProviders(config.providers, credentials.providers, deps);
  const nextauth = createNextAuthServers(config.nextauth, credentials.nextauth, deps);

  console.log(`${path}: no faults, every secret and key is there`);
  describeServerCertificates(credentials, nodeClock.now());
  warnOfAuthorities("server.tls.client_ca", credentials.serverTls?.client_ca, nodeClock.now());
  describeService(config, credentials);
  let well = await checkNextAuthServers(config, nextauth, credentials);
  for (const [name, provider] of providers) {
    well = (await describeProvider(provider, config.providers[name] as ProviderConfig, credentials)) && well;
  }
  if (values !== undefined) {
    const { routes } = config;
    const { defaultServerid } = nextauth;
    if (defaultServerid !== undefined && !values.has("serverid")) values.set("serverid", defaultServerid);
    well = (await askForToken({ routes, providers, nextauth }, config.nextauth.length > 0, values)) && well;
  }
  clocks.warn();
  return well;
}

function describeService(
  { callers, get_token, webnonce_exchange, signing }: Config,
  { signingKeys }: Credentials,
): void {
  for (const [name, { apikeys, client_certificates, serverids }] of Object.entries(callers)) {
    const proofs = [
      apikeys.length === 0 ? [] : [`${apikeys.length} API key(s)`],
      client_certificates.length === 0 ? [] : [`${client_certificates.length} client certificate(s)`],
    ].flat();
    const which = serverids === undefined ? "any serverid" : serverids.join(", ");
    line("caller", `${name}: ${proofs.join(" and ")}, ${which}`);
  }
  for (const { method, path, session } of get_token) line("getToken", `${method} ${path}, session: ${session}`);
  if (webnonce_exchange !== undefined) line("webNonce exchange", `POST ${webnonce_exchange.path}`);
  if (signing === undefined) return;
  for (const [index, { kid, alg }] of signingKeys.entries()) {
    line(
      index === 0 ? "signing" : "",
      `${alg} ${kid}, ${signing.keys[index]?.use === "sign" ? "signs" : "is published only"}`,
    );
  }
  line("", signing.issuer === undefined ? "not published: no signing.issuer" : `published under ${signing.issuer}`);
}

async function describeProvider(
  { name, discovery }: Provider,
  settings: ProviderConfig,
  credentials: Credentials,
): Promise<boolean> {
  line("provider", name);
  const method = settings.token_endpoint_auth_method;
  const keys = credentials.providers.get(name)?.clientKeys.map(({ kid, alg }) => `${alg} ${kid}`) ?? [];
  const withKeys = credentialOf(method) === "key" ? ` with ${keys.join(", ")}` : "";
  line("  client", `${settings.client_id ?? "unnamed"}, ${method}${withKeys}`);
  describeClientCertificate(name, credentials, nodeClock.now());
  warnOfAuthorities("tls.ca", credentials.providers.get(name)?.tls?.ca, nodeClock.now());
  line("  grant", settings.grant_type);
  if (discovery === undefined) {
    line("  token endpoint", `${settings.token_endpoint} (from the file)`);
    return true;
  }
  try {
    const started = nodeClock.elapsed();
    const metadata = await discovery.refresh(LOOK_UP_TIMEOUT_MS);
    line(
      "  token endpoint",
      `${metadata.token_endpoint} (discovered in ${Math.round(nodeClock.elapsed() - started)} ms)`,
    );
    warnOfUnsupported(metadata, settings);
    return true;
  } catch (error) {
    line("  FAILED", explain(error));
    return false;
  }
}

/** A server may know more than it says, so what it does not list is only a warning. */
function warnOfUnsupported(
  metadata: Metadata,
  { grant_type, token_endpoint_auth_method: method }: ProviderConfig,
): void {
  const registered = method === "client_secret_basic_raw" ? "client_secret_basic" : method;
  const lists = [
    ["grant_types_supported", grant_type],
    ["token_endpoint_auth_methods_supported", registered],
  ] as const;
  for (const [list, wanted] of lists) {
    if (metadata[list]?.includes(wanted) === false) line("  warning", `the provider's ${list} does not have ${wanted}`);
  }
}

type LiveValues = Values;

/** What no call could bring, and a call that is for nobody. @param values undefined where no live call is asked for */
function assertCallable(values: LiveValues | undefined, { get_token, nextauth }: Config): void {
  if (values === undefined) return;
  const bound = new Set(get_token.flatMap(({ values }) => Object.keys(values)));
  for (const name of values.keys()) {
    if (!bound.has(name))
      throw new UsageError(`no value "${name}" is under get_token.values: there are ${[...bound].join(", ")}`);
  }
  if (values.has("userid") || (values.has("nonce") && nextauth.length > 0)) return;
  throw new UsageError(
    bound.has("userid")
      ? "--live needs --userid: whom shall the token be for?"
      : "--live needs --value nonce=env:VARIABLE: by the nonce the nextAuth Server says whom the token is for",
  );
}

/** With a nonce the session check is made too; without one there is nothing to check, and only the provider is asked. */
async function askForToken(deps: UseCase, hasNextauth: boolean, values: LiveValues): Promise<boolean> {
  const session = hasNextauth && values.has("nonce") ? "verify" : "trust";
  const started = nodeClock.elapsed();
  const trace = startTrace("check", undefined, { clock: nodeClock, tracer: createTracer() });
  try {
    const answer = await getToken(deps, { serverids: undefined }, { values, session, trace, recipient: undefined });
    const milliseconds = Math.round(nodeClock.elapsed() - started);
    line(
      "live",
      `${trace.facts.provider} answered ${answer.providerStatus} in ${milliseconds} ms, ${answer.body.length} bytes`,
    );
    if (hasNextauth)
      line("  session", session === "verify" ? "is logged in" : "not checked: give a nonce with --value");
    describeAnswer(answer);
    return answer.outcome === "token";
  } catch (error) {
    line("live", `FAILED: ${explain(error)}`);
    return false;
  }
}

/** The names of the members, and of a JWT the claims that say whose it is; never the token. */
function describeAnswer({ outcome, body, providerError }: Answer): void {
  if (outcome === "refused") {
    line("", `FAILED: it says no for this user: ${providerError}`);
    return;
  }
  const members = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>;
  line("  members", Object.keys(members).join(", "));
  try {
    const { alg, kid } = decodeProtectedHeader(String(members.access_token));
    const { iss, sub, aud, exp } = decodeJwt(String(members.access_token));
    line("  access_token", `a JWT, ${JSON.stringify({ alg, kid, iss, sub, aud, exp })}`);
  } catch {
    line("  access_token", "opaque");
  }
}
