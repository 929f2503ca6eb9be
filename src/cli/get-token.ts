// The command `get-token`: calls a running proxy as the nextAuth Server would.

import { type CredentialHost, SecretError } from "../config/credentials.ts";
import type { Config } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import { Secret } from "../core/secret.ts";
import { type TlsCredentials, TransportError } from "../core/transport.ts";
import { apikeyHeader, writeCall } from "../nextauth/write-call.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import { type CallOptions, chooseBinding, readCallOptions, readText } from "./configuration.ts";

interface GetTokenOptions extends CallOptions {
  url?: string;
  caller?: string;
  certificate?: string;
  privateKey?: string;
  ca?: string;
}

const TIMEOUT_MS = 30_000;
/** More than any max_response_bytes. */
const MAX_RESPONSE_BYTES = 8_388_608;

/**
 * Writes the bytes of the response body to standard output, and all else to standard error.
 * @returns whether the proxy answered with a token
 * @throws {UsageError | ConfigError}
 */
export async function callGetToken(options: GetTokenOptions): Promise<boolean> {
  const { file, host, values } = readCallOptions(options);
  const binding = chooseBinding(file.config, options.path);
  const call = writeCall(binding, values);
  const apikey = await readApikey(file.config, options.caller, host);
  const headers = { ...call.headers, ...(apikey === undefined ? {} : apikeyHeader(binding, apikey)) };
  const base = options.url ?? addressOf(file.config);
  if (!/^https?:$/.test(URL.parse(base)?.protocol ?? "")) {
    throw new UsageError("--url must be a URL, like http://127.0.0.1:8080");
  }
  const url = base.replace(/\/+$/, "") + call.path;
  const tls = readTls(options, host);
  const transport = createNodeTransport({ connect_timeout: TIMEOUT_MS, connections: 1, tls });
  const limits = { timeout: TIMEOUT_MS, maxResponseBytes: MAX_RESPONSE_BYTES };

  try {
    const { status, headers: received, body } = await transport({ ...call, url, headers, ...limits });
    console.error(`${status} ${received.get("content-type") ?? "no content type"}, ${body.length} bytes`);
    await new Promise((done) => process.stdout.write(body, done));
    if (process.stdout.isTTY) console.error("");
    if (status >= 400 && readJsonObject(body)?.request_id !== undefined) {
      console.error("the proxy's log says more about this request_id; check --live says what to change");
    }
    return status >= 200 && status < 300;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    const reason = (error.cause as { code?: string } | undefined)?.code ?? error.failure;
    const cure = "start the proxy, or give its address with --url, or the authority of its certificate with --ca";
    console.error(`no answer from ${new URL(url).origin}${binding.path} (${reason}): ${cure}`);
    return false;
  }
}

/** @returns undefined if the caller only has client certificates */
async function readApikey({ callers }: Config, option: string | undefined, host: CredentialHost) {
  const [name, caller] = Object.entries(callers).find(([known]) => known === (option ?? known)) ?? [];
  if (caller === undefined) {
    throw new UsageError(`no caller has this name: the file has ${Object.keys(callers).join(", ")}`);
  }
  const [reference] = caller.apikeys;
  try {
    return reference && (await host.read(reference));
  } catch (error) {
    if (error instanceof SecretError) throw new UsageError(`"callers.${name}.apikeys[0]" ${error.message}`);
    throw error;
  }
}

function addressOf({ server: { listen, tls } }: Config): string {
  // A server can listen on "any address", but a client cannot connect to it.
  const host = listen.host === "0.0.0.0" ? "127.0.0.1" : listen.host === "::" ? "::1" : listen.host;
  return `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${listen.port}`;
}

/** Paths are relative to the current folder, not to the configuration file. */
function readTls({ certificate, privateKey, ca }: GetTokenOptions, { tlsFault }: CredentialHost): TlsCredentials {
  if ((certificate === undefined) !== (privateKey === undefined)) {
    throw new UsageError("--certificate and --private-key belong together: give both, or neither");
  }
  const read = (path: string | undefined, what: string) =>
    path === undefined ? undefined : new Secret(readText(path, what));
  const tls = {
    certificate: read(certificate, "certificate"),
    private_key: read(privateKey, "private key"),
    ca: read(ca, "authority"),
  };
  const fault = tlsFault(tls, "--ca");
  if (fault !== undefined) throw new UsageError(`this command ${fault}`);
  return tls;
}
