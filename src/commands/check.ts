// The command `check`: is the file right, are its secrets there, do its providers answer, and does one of them give a token?

import { decodeJwt, decodeProtectedHeader } from "jose";
import { createProviders } from "../app.ts";
import type { Config, ProviderConfig } from "../config/complete.ts";
import { type Credentials, loadCredentials } from "../config/credentials.ts";
import { TokenProxyError } from "../errors.ts";
import { createRouter } from "../get-token.ts";
import { type CallValue, isFault, readValue } from "../nextauth/values.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import type { Provider } from "../oauth/provider.ts";
import type { TokenAnswer } from "../oauth/token-response.ts";
import { nodeClock, nodeIds } from "../platform/node/host.ts";
import { createNodeTransport } from "../platform/node/transport.ts";
import { DEFAULT_FILE, findFile, loadFile, UsageError } from "./configuration.ts";

export interface CheckOptions {
  config?: string;
  live?: boolean;
  userid?: string;
  /** NAME=TEXT or NAME=env:VARIABLE, for further names under get_token.values. */
  value?: string[];
}

const LOOK_UP_TIMEOUT_MS = 10_000;

/**
 * Prints what it found; secrets and tokens never.
 * @returns whether all is well
 * @throws {ConfigError} for a faulty file
 */
export async function check(options: CheckOptions): Promise<boolean> {
  const values = liveValues(options);
  const path = findFile(options.config);
  if (path === undefined) throw new UsageError(`there is no ${DEFAULT_FILE} here: name a file with --config`);
  const { file, host } = loadFile(path);
  const credentials = await loadCredentials(file, host);
  const { config } = file;
  assertBound(values, config);
  const providers = createProviders({
    config,
    credentials,
    createTransport: createNodeTransport,
    clock: nodeClock,
    ids: nodeIds,
    log: (level, event) => console.error(`${level}: ${event}`),
  });

  console.log(`${path}: no faults, every secret and key is there`);
  describeService(config, credentials);
  let well = true;
  for (const [name, provider] of providers) {
    well = (await describeProvider(provider, config.providers[name] as ProviderConfig, credentials)) && well;
  }
  if (values !== undefined) well = (await askForToken(config, providers, values)) && well;
  return well;
}

function line(label: string, text: string): void {
  console.log(`${label.padEnd(18)}${text}`);
}

function describeService({ callers, get_token, signing }: Config, { signingKeys }: Credentials): void {
  for (const [name, { apikeys, serverids }] of Object.entries(callers)) {
    line(
      "caller",
      `${name}: ${apikeys.length} API key(s), ${serverids === undefined ? "any serverid" : serverids.join(", ")}`,
    );
  }
  for (const { method, path, session } of get_token) line("getToken", `${method} ${path}, session: ${session}`);
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
  { providers }: Credentials,
): Promise<boolean> {
  line("provider", name);
  const method = settings.token_endpoint_auth_method;
  const keys = providers.get(name)?.clientKeys.map(({ kid, alg }) => `${alg} ${kid}`) ?? [];
  const withKeys = credentialOf(method) === "key" ? ` with ${keys.join(", ")}` : "";
  line("  client", `${settings.client_id ?? "unnamed"}, ${method}${withKeys}`);
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

type LiveValues = ReadonlyMap<string, CallValue>;

const FROM_VARIABLE = "env:";

/**
 * Whom the live call is about. A nonce is a credential of a session, and a relayed token one of a user: such a value comes from
 * a variable, since a command line is for all to see.
 * @returns undefined where no live call is asked for
 */
function liveValues({ live, userid, value = [] }: CheckOptions): LiveValues | undefined {
  if (live !== true) return undefined;
  if (userid === undefined) throw new UsageError("--live needs --userid: whom shall the token be for?");
  const given = new Map([["userid", userid]]);
  for (const pair of value) {
    const [name, ...rest] = pair.split("=") as [string, ...string[]];
    const text = rest.join("=");
    if (rest.length === 0) throw new UsageError("--value takes NAME=TEXT or NAME=env:VARIABLE");
    if (name === "nonce" && !text.startsWith(FROM_VARIABLE)) {
      throw new UsageError("a nonce is a credential: give it as --value nonce=env:VARIABLE");
    }
    given.set(name, text.startsWith(FROM_VARIABLE) ? variable(text.slice(FROM_VARIABLE.length)) : text);
  }
  const values = new Map<string, CallValue>();
  for (const [name, text] of given) {
    const read = readValue(name, text, false);
    if (isFault(read)) throw new UsageError(`the value "${name}" ${read.fault}`);
    values.set(name, read);
  }
  return values;
}

function variable(name: string): string {
  const text = process.env[name];
  if (text === undefined) throw new UsageError(`the environment variable ${name} is not set`);
  return text;
}

function assertBound(values: LiveValues | undefined, { get_token }: Config): void {
  const bound = get_token.flatMap(({ values }) => Object.keys(values));
  for (const name of values?.keys() ?? []) {
    if (!bound.includes(name))
      throw new UsageError(`no value "${name}" is under get_token.values: there are ${bound.join(", ")}`);
  }
}

async function askForToken(
  { routes }: Config,
  providers: ReadonlyMap<string, Provider>,
  values: LiveValues,
): Promise<boolean> {
  const provider = createRouter(routes, providers)(values.get("serverid") as string | undefined);
  if (provider === undefined) {
    line("live", 'FAILED: no entry of "routes" takes this serverid');
    return false;
  }
  const started = nodeClock.elapsed();
  try {
    const answer = await provider.requestToken((name) => values.get(name));
    const milliseconds = Math.round(nodeClock.elapsed() - started);
    line(
      "live",
      `${provider.name} answered ${answer.providerStatus} in ${milliseconds} ms, ${answer.body.length} bytes`,
    );
    describeAnswer(answer);
    return answer.outcome === "token";
  } catch (error) {
    line("live", `FAILED: ${explain(error)}`);
    return false;
  }
}

/** The names of the members, and of a JWT the claims that say whose it is; never the token. */
function describeAnswer({ outcome, body, providerError }: TokenAnswer): void {
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

function explain(error: unknown): string {
  if (!(error instanceof TokenProxyError)) throw error;
  const detail = Object.entries(error.detail ?? {}).map(([name, value]) => `${name} ${value}`);
  const cause = error.cause as { code?: string; name?: string } | undefined;
  const why = [...detail, ...(cause === undefined ? [] : [cause.code ?? cause.name ?? ""])].filter(Boolean);
  return `${error.code}: ${error.message}${why.length === 0 ? "" : ` (${why.join(", ")})`}`;
}
