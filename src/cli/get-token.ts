// The command `get-token`: plays the nextAuth Server against a running proxy, by the binding of the file.

import type { Config } from "../config/complete.ts";
import { type CredentialHost, SecretError } from "../config/credentials.ts";
import { UsageError } from "../core/errors.ts";
import { Secret, type SecretReference } from "../core/secret.ts";
import type { Binding } from "../nextauth/binding.ts";
import { apikeyHeader, UnwritableCallError, writeCall } from "../nextauth/write-call.ts";
import { createNodeCredentialHost } from "../node/credentials.ts";
import { environment, findFile, loadFile, NO_FILE } from "./configuration.ts";
import { type CallTls, SendError, sendCall } from "./send-call.ts";
import { readValues, type ValueOptions } from "./values.ts";

export interface GetTokenOptions extends ValueOptions {
  config?: string;
  envFile?: string;
  /** Of the running proxy; where server.listen says by default. */
  url?: string;
  /** Which of several bindings, by its path and its method. */
  path?: string;
  method?: string;
  /** Whose API key is sent; the first caller of the file by default. */
  caller?: string;
  certificate?: string;
  privateKey?: string;
  ca?: string;
}

/**
 * Writes the bytes of the answer to standard output and nothing else; what is to be said about it goes to standard error.
 * @returns whether a token came
 * @throws {UsageError | ConfigError}
 */
export async function getToken(options: GetTokenOptions): Promise<boolean> {
  const env = environment(options.envFile);
  const values = readValues(options, env);
  const file = findFile(options.config, env);
  if (file === undefined) throw new UsageError(NO_FILE);
  const { file: parsed, host } = loadFile(file, env);
  const { config } = parsed;
  const binding = bindingOf(config, options);
  const call = writeOrRefuse(binding, values);

  const [name, caller] = callerOf(config, options.caller);
  const [reference] = caller.apikeys;
  const apikey =
    reference === undefined ? undefined : await readSecret(host, reference, `"callers.${name}.apikeys[0]"`);
  const tls = await readTls(options);

  const started = performance.now();
  const base = options.url ?? addressOf(config);
  if (!URL.canParse(base)) throw new UsageError("--url must be a URL, as http://127.0.0.1:8080");
  const url = base.replace(/\/+$/, "") + call.path;
  try {
    const headers = { ...call.headers, ...(apikey === undefined ? {} : apikeyHeader(binding, apikey)) };
    const answer = await sendCall({ ...call, url, headers }, tls);
    const milliseconds = Math.round(performance.now() - started);
    console.error(
      `${answer.status} ${answer.contentType ?? "without a type"}, ${answer.body.length} bytes in ${milliseconds} ms`,
    );
    await new Promise((done) => process.stdout.write(answer.body, done));
    return answer.status >= 200 && answer.status < 300;
  } catch (error) {
    if (!(error instanceof SendError)) throw error;
    console.error(`no answer from ${new URL(url).origin}${binding.path}: ${error.message}`);
    return false;
  }
}

function bindingOf({ get_token }: Config, { path, method }: GetTokenOptions): Binding {
  const binding = get_token.find(
    (candidate) => candidate.path === (path ?? candidate.path) && candidate.method === (method ?? candidate.method),
  );
  if (binding !== undefined) return binding;
  const known = get_token.map((candidate) => `${candidate.method} ${candidate.path}`);
  throw new UsageError(`no binding has this path and method: there are ${known.join(", ")}`);
}

function callerOf({ callers }: Config, name = Object.keys(callers)[0] ?? "") {
  const caller = Object.hasOwn(callers, name) ? callers[name] : undefined;
  if (caller !== undefined) return [name, caller] as const;
  throw new UsageError(`no caller has this name: there are ${Object.keys(callers).join(", ")}`);
}

function writeOrRefuse(binding: Binding, values: ReturnType<typeof readValues>) {
  try {
    return writeCall(binding, values);
  } catch (error) {
    if (error instanceof UnwritableCallError) throw new UsageError(error.message);
    throw error;
  }
}

function addressOf({ server: { listen, tls } }: Config): string {
  // Every address is none that can be called.
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[listen.host] ?? listen.host;
  return `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
}

/** Files relative to where the command is run, not to the configuration file. */
async function readTls({ certificate, privateKey, ca }: GetTokenOptions): Promise<CallTls> {
  if (certificate !== undefined && privateKey === undefined) {
    throw new UsageError("--certificate needs --private-key: give both, or neither");
  }
  if (privateKey !== undefined && certificate === undefined) {
    throw new UsageError("--private-key needs --certificate: give both, or neither");
  }
  const host = createNodeCredentialHost({}, ".");
  const read = async (path: string | undefined, option: string) =>
    path === undefined ? undefined : new Secret(await readSecret(host, { file: path }, option));
  const pair = {
    certificate: await read(certificate, "--certificate"),
    private_key: await read(privateKey, "--private-key"),
  };
  const authorities = await read(ca, "--ca");
  const pairFault = host.tlsFault(pair);
  if (pairFault !== undefined) throw new UsageError(`what --certificate and --private-key name ${pairFault}`);
  if (host.tlsFault({ ca: authorities }) !== undefined) {
    throw new UsageError("--ca names a file without a certificate in PEM: name that of the authority");
  }
  return {
    certificate: pair.certificate?.reveal(),
    private_key: pair.private_key?.reveal(),
    ca: authorities?.reveal(),
  };
}

async function readSecret(host: CredentialHost, reference: SecretReference, what: string): Promise<string> {
  try {
    return await host.read(reference);
  } catch (error) {
    if (error instanceof SecretError) throw new UsageError(`${what} ${error.message}`);
    throw error;
  }
}
