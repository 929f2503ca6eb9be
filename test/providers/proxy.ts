// The proxy in front of a real server: an example as printed, or changed for one case each.

import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, type JWK } from "jose";
import { afterAll, beforeAll } from "vitest";
import { parse } from "yaml";
import type { SigningAlgorithm } from "../../src/oauth/signing-key.ts";
import { type Answered, APIKEY, CALL, callGetToken } from "../support/call.ts";
import { type Host, type Runtime, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import { freePort } from "../support/port.ts";

/** A configuration file. The specs change only what they name here. */
export interface File {
  providers: Record<string, Settings>;
  signing?: { issuer: string; keys: object[] };
  [key: string]: unknown;
}
export type Settings = Record<string, unknown>;

export interface ProviderProxy {
  /** `signing.issuer`, and the address of the proxy. */
  issuer: string;
  /** Where files for `/run/secrets` are. */
  folder: string;
  /** Makes a key and writes it to the folder. */
  key(kid: string, alg: SigningAlgorithm): Promise<{ entry: object; jwk: JWK; pem: string }>;
  /** By the hosts of the examples, where they are here. */
  hosts: Record<string, string>;
  /** The text with the hosts and paths of this machine. */
  local(text: string): string;
  /** The example as printed; only hosts, ports and paths are replaced. */
  example(name: string): string;
  /** The same as an object, to be changed. */
  file(name: string): File;
  /** Starts it at the issuer's address, in place of the one before. */
  start(file: string | File, options?: StartOptions): Promise<void>;
  /** One getToken call for a user. */
  call(userid?: string, options?: CallOptions): Promise<Answered>;
  output(): string;
}

interface StartOptions {
  runtime?: Runtime;
  secrets?: Record<string, string>;
}

interface CallOptions {
  serverid?: string;
  headers?: Record<string, string>;
}

/** @param secrets environment variables of the proxy, beside GETTOKEN_APIKEY */
async function createProxy(
  secrets: Readonly<Record<string, string>>,
): Promise<ProviderProxy & { remove(): Promise<void> }> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  let host: Host | undefined;
  const close = async () => {
    const closing = host;
    host = undefined;
    await closing?.close();
  };

  const proxy = {
    issuer,
    folder,
    async key(kid: string, alg: SigningAlgorithm) {
      const { pem, jwk } = await makeKey(alg);
      const file = join(folder, `${kid}.pem`);
      await writeFile(file, pem, { mode: 0o600 });
      const { d, p, q, dp, dq, qi, ...publicJwk } = jwk;
      return { entry: { kid, alg, private_key: { file } }, jwk: { ...publicJwk, kid, alg, use: "sig" }, pem };
    },
    hosts: {} as Record<string, string>,
    local(text: string) {
      const replaced = { ...proxy.hosts, "https://tokens.bank.example": issuer, "/run/secrets": folder };
      return Object.entries(replaced).reduce((result, [from, to]) => result.replaceAll(from, to), text);
    },
    example: (name: string) =>
      `${proxy.local(readFileSync(`examples/${name}`, "utf8"))}\nserver: ${JSON.stringify(serverOf(port))}\n`,
    file: (name: string): File => parse(proxy.example(name)),
    async start(file: string | File, { runtime = "node", secrets: more = {} }: StartOptions = {}) {
      await close();
      const all = { GETTOKEN_APIKEY: APIKEY, ...secrets, ...more };
      const onNode = typeof file === "string" ? file : { ...file, server: serverOf(port) };
      if (runtime === "node") host = await startHost(onNode, all);
      else {
        const bound = bindSecrets(typeof file === "string" ? parse(file) : file);
        host = await startHost(bound.file, { ...all, ...bound.secrets }, { runtime, port });
      }
    },
    call(userid = CALL.userid, { serverid = CALL.serverid, headers = {} }: CallOptions = {}) {
      return callGetToken(issuer, { body: { serverid, userid, accountid: 7 }, headers });
    },
    output: () => host?.output() ?? "",
    async remove() {
      await close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return proxy;
}

const serverOf = (port: number) => ({ listen: `127.0.0.1:${port}`, admin: "127.0.0.1:0" });

/** Workers have no files: what is in one becomes a binding. */
function bindSecrets({ server: _, ...file }: File): { file: object; secrets: Record<string, string> } {
  const secrets: Record<string, string> = {};
  const bound = JSON.parse(JSON.stringify(file), (_key, value) => {
    if (typeof value?.file !== "string") return value;
    const env = `FILE_${Object.keys(secrets).length}`;
    secrets[env] = readFileSync(value.file, "utf8");
    return { env };
  });
  return { file: bound, secrets };
}

/** One proxy for the tests of a file. */
export function useProxy(secrets: Readonly<Record<string, string>>): () => ProviderProxy {
  let proxy: Awaited<ReturnType<typeof createProxy>>;
  beforeAll(async () => {
    proxy = await createProxy(secrets);
  });
  afterAll(() => proxy?.remove());
  return () => proxy;
}

/** The claims of the access token in a response. */
export function claimsOf(answer: Answered): Record<string, unknown> {
  const { access_token } = answer.json();
  return decodeJwt(String(access_token));
}
