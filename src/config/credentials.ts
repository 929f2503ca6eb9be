// Loads every secret, key and certificate of the file before the first call, or reports each fault.

import { HEADER_VALUE } from "../core/headers.ts";
import type { Sha256 } from "../core/ports.ts";
import type { SecretReference } from "../core/schema.ts";
import { Secret } from "../core/secret.ts";
import type { ProxyFor, TlsCredentials } from "../core/transport.ts";
import type { NextAuthServerSettings } from "../nextauth/settings.ts";
import type { ProviderCredentials, ProviderSettings } from "../oauth/provider-settings.ts";
import type { KeySettings } from "../oauth/settings.ts";
import type { Signer } from "../oauth/signer.ts";
import { type CreateJwsSigner, importSigningKey, KeyError, type SigningKey } from "../oauth/signing-key.ts";
import { type Path, type PathFault, type Report, reportTo } from "./faults.ts";
import type { Config, ParsedFile } from "./parse.ts";
import type { ClientCertificatePin } from "./schema-server.ts";

/** What loading needs from the runtime. Each `…Fault` returns a phrase that follows the path. */
export interface CredentialHost {
  /** @param at its key. @throws {SecretError} if the secret cannot be read */
  read(reference: SecretReference, at?: Path): string | Promise<string>;
  /** Reads a file that its platform rotates; undefined on a host without files. */
  readFile: ((file: string) => Promise<string>) | undefined;
  /** What the program that uses the library signs with. */
  signers: readonly Signer[];
  sha256: Sha256;
  /** Undefined to sign with WebCrypto. */
  createJwsSigner: CreateJwsSigner | undefined;
  /** Whether it opens the listener of `server`; a Worker does not. */
  listens: boolean;
  /** @returns an absolute path; relative ones start at the folder of the configuration file */
  resolvePath(file: string): string;
  /** Why it cannot apply http2, reuse_connections and proxy; undefined if it can. */
  connectionFault: string | undefined;
  /** The egress proxy that the environment names. */
  environmentProxy(report: (problem: string) => void): Promise<ProxyFor | undefined>;
  /** @returns why this host cannot identify a caller by such a certificate */
  pinFault(pin: ClientCertificatePin, server: Config["server"]): string | undefined;
  /** @returns why this host cannot apply the rate limit */
  rateLimitFault(limit: { binding: string }): string | undefined;
  /** @param caKey the file's name for `ca` */
  tlsFault(credentials: TlsCredentials, caKey?: string): string | undefined;
  /** @returns for example that the certificate (PEM) has expired; undefined if it cannot check */
  certificateFault(certificate: string, pins?: readonly string[]): string | undefined;
}

/** A secret cannot be read. The message is a phrase that follows the path and says what to do. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}

export type CallerCredentials = Omit<Config["callers"][string], "apikeys"> & { apikeys: readonly Secret[] };
export type Credentials = Awaited<ReturnType<typeof loadCredentials>>;

/** @throws {ConfigError} with each secret, key or certificate that is missing or unusable */
export async function loadCredentials({ config, error }: ParsedFile, host: CredentialHost) {
  const faults: PathFault[] = [];
  const report = reportTo(faults);
  const fault = (problem: string) => report(["server", "env_proxy"], problem);
  const load = createLoader(host, report, config.server.env_proxy ? await host.environmentProxy(fault) : undefined);
  const { signing, log, webnonce_exchange } = config;
  for (const [index, { rate_limit }] of webnonce_exchange.entries()) {
    for (const [name, limit] of Object.entries(rate_limit)) {
      report(["webnonce_exchange", index, "rate_limit", name], host.rateLimitFault(limit));
    }
  }
  const callers = await loadCallers(config, load, host, report);
  const tls = host.listens && config.server.tls && { ...config.server.tls, ca: config.server.tls.client_ca };
  const serverTls = await load.tls(tls || undefined, ["server", "tls"], "client_ca", config.server.tls?.pins);
  const nextauth = await load.list(config.nextauth, ["nextauth"], async (server, path) => {
    const apikey = await load.secret(server.apikey, [...path, "apikey"], headerFault);
    const connection = await load.connection(server, server.url, path);
    return apikey && { apikey, ...connection };
  });
  // All of them, also those that only verify; signers are those that sign.
  const signingKeys = await load.list(signing?.keys ?? [], ["signing", "keys"], load.key);
  const signers = signingKeys.filter(({ kid }) => signing?.keys.some((key) => key.kid === kid && key.use === "sign"));
  const providers = new Map<string, ProviderCredentials>();
  for (const [name, provider] of Object.entries(config.providers)) {
    const own = await loadProvider(provider, ["providers", name], signers, load);
    providers.set(name, { ...own, signingKeys: signers, signingIssuer: signing?.issuer });
  }
  if (log.audit !== undefined && !host.listens) report(["log", "audit"], "needs a file, which Workers do not have");
  const identitiesKey = await load.secret(log.identities_key, ["log", "identities_key"], shortKeyFault);
  if (faults.length > 0) throw error(faults);
  return { identitiesKey, callers, nextauth, serverTls, providers, signingKeys, proxied: [...load.proxied] };
}

type Loader = ReturnType<typeof createLoader>;

/** Each function reports what it cannot load, and returns undefined for it. */
function createLoader(host: CredentialHost, report: Report, ofEnvironment: ProxyFor | undefined) {
  async function secret(reference: SecretReference | undefined, path: Path, faultOf?: typeof headerFault) {
    if (reference === undefined) return undefined;
    try {
      const text = await host.read(reference, path);
      const problem = text.trim() === "" ? "refers to an empty secret; give it a value" : faultOf?.(text);
      if (problem === undefined) return new Secret(text);
      report(path, problem);
    } catch (error) {
      if (!(error instanceof SecretError)) throw error;
      report(path, error.message);
    }
    return undefined;
  }

  function checkCertificate(certificate: Secret | undefined, path: Path, pins?: readonly string[]): void {
    report(path, certificate && host.certificateFault(certificate.reveal(), pins));
  }

  async function tls(settings: ProviderSettings["tls"], path: Path, caKey = "ca", pins?: readonly string[]) {
    if (settings === undefined) return undefined;
    const credentials = {
      certificate: await secret(settings.certificate, [...path, "certificate"]),
      private_key: await secret(settings.private_key, [...path, "private_key"]),
      ca: await secret(settings.ca, [...path, caKey]),
      binding: settings.binding,
    };
    const problem = host.tlsFault(credentials, caKey);
    if (problem !== undefined) report(path, problem);
    else checkCertificate(credentials.certificate, [...path, "certificate"], pins);
    return credentials;
  }

  /** For people: `HOST through PROXY` for each server behind an egress proxy. */
  const proxied = new Set<string>();
  return {
    secret,
    tls,
    proxied,

    /** How a provider or nextAuth Server with this URL is reached. */
    async connection(server: NextAuthServerSettings | ProviderSettings, url: string, path: Path) {
      for (const key of ["http2", "reuse_connections", "proxy"] as const) {
        if (host.connectionFault && server[key] !== undefined) report([...path, key], host.connectionFault, "key");
      }
      let proxyFor = server.proxy === undefined ? ofEnvironment : undefined;
      if (typeof server.proxy === "object") {
        if (!/^https:/i.test(url)) report([...path, "proxy"], "needs an https URL; http is only for loopback");
        const authorization = await secret(server.proxy.authorization, [...path, "proxy", "authorization"], basicFault);
        const proxy = { ...server.proxy, authorization };
        proxyFor = ({ protocol }) => (protocol === "https:" ? proxy : undefined);
      }
      const found = proxyFor?.(new URL(url));
      if (found !== undefined) proxied.add(`${new URL(url).host} through ${new URL(found.url).host}`);
      return { tls: await tls(server.tls, [...path, "tls"]), proxyFor };
    },

    /** Its JWT is no configuration: it may appear after the start, and is read for each use. */
    async assertionFile({ file, aud }: ProviderSettings["client_assertion"], path: Path) {
      const { readFile } = host;
      if (file !== undefined && !readFile) report(path, "is for Node, because Workers have no files: use client_key");
      if (file === undefined || readFile === undefined) return undefined;
      const { createAssertionFile } = await import("../oauth/assertion-file.ts");
      return createAssertionFile(() => readFile(file), aud, path.join("."));
    },

    /** Loads one entry after the other, and leaves out those at fault. */
    async list<Item, Loaded>(
      items: readonly Item[],
      path: Path,
      loadOne: (item: Item, path: Path) => Promise<Loaded | undefined>,
    ): Promise<Loaded[]> {
      const loaded = await Array.fromAsync(items, (item, index) => loadOne(item, [...path, index]));
      return loaded.filter((one) => one !== undefined);
    },

    async key({ kid, alg, private_key, certificate: reference }: KeySettings, path: Path) {
      const key = private_key === "signer" ? private_key : await secret(private_key, [...path, "private_key"]);
      const certificate = await secret(reference, [...path, "certificate"]);
      if (key === undefined || (reference !== undefined && certificate === undefined)) return undefined;
      try {
        const imported =
          key === "signer"
            ? await (await import("../oauth/signer.ts")).importSigner({ kid, alg, certificate }, host)
            : await importSigningKey({ kid, alg, key, certificate }, host);
        checkCertificate(certificate, [...path, "certificate"]);
        return imported;
      } catch (error) {
        if (!(error instanceof KeyError)) throw error;
        report([...path, error.part], error.message);
        return undefined;
      }
    },
  };
}

async function loadCallers({ callers, server }: Config, load: Loader, host: CredentialHost, report: Report) {
  const loaded = new Map<string, CallerCredentials>();
  const owners = new Map<string, string>();
  const claim = (credential: string, name: string, path: Path) => {
    const owner = owners.get(credential) ?? name;
    owners.set(credential, owner);
    if (owner !== name) report(path, `also identifies "callers.${owner}"; each caller needs credentials of its own`);
  };
  for (const [name, { apikeys: references, client_certificates, serverids }] of Object.entries(callers)) {
    const at = ["callers", name];
    const apikeys = await load.list(references, [...at, "apikeys"], async (reference, path) => {
      const apikey = await load.secret(reference, path, apikeyFault);
      if (apikey !== undefined) claim(`key ${apikey.reveal()}`, name, path);
      return apikey;
    });
    for (const [index, pin] of client_certificates.entries()) {
      const path = [...at, "client_certificates", index];
      report(path, host.pinFault(pin, server));
      // With API keys, the key identifies the caller.
      if (references.length === 0) claim(`pin ${Object.values(pin)}`, name, path);
    }
    loaded.set(name, { apikeys, client_certificates, serverids });
  }
  return loaded;
}

async function loadProvider(provider: ProviderSettings, at: Path, signers: readonly SigningKey[], load: Loader) {
  const { client_secret, client_key, client_assertion } = provider;
  const { alg, file } = client_assertion;
  const secrets = await load.list(client_secret, [...at, "client_secret"], (reference, path) =>
    load.secret(reference, path, controlFault),
  );
  const own = await load.list(client_key, [...at, "client_key"], load.key);
  const candidates = client_key.length > 0 ? own : signers;
  return {
    secrets,
    clientKeys: candidates.filter((key) => !file && (alg === undefined || key.alg === alg)),
    assertionFile: await load.assertionFile(client_assertion, [...at, "client_assertion", "file"]),
    placed: await loadPlaced(provider, at, load),
    ...(await load.connection(provider, provider.token_endpoint ?? String(provider.issuer), at)),
  };
}

/** The secrets in params and headers. */
async function loadPlaced({ params, headers }: ProviderSettings, at: Path, load: Loader) {
  const placed = new Map<string, Secret>();
  for (const [part, members] of Object.entries({ params, headers })) {
    for (const [name, value] of Object.entries(members)) {
      if (typeof value === "string" || Array.isArray(value) || "json" in value) continue;
      const faultOf = part === "headers" ? headerFault : controlFault;
      const secret = await load.secret(value, [...at, part, name], faultOf);
      if (secret !== undefined) placed.set(`${part}.${name}`, secret);
    }
  }
  return placed;
}

const matches = (pattern: RegExp, fault: string) => (text: string) => (pattern.test(text) ? undefined : fault);

const headerFault = matches(
  HEADER_VALUE,
  "refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends",
);
const controlFault = matches(/^\P{Cc}*$/u, "refers to a secret with a line break or control character; remove it");
const basicFault = matches(/^[^:\p{Cc}]+:\P{Cc}*$/u, "refers to a secret that is not user:password; write both");
/** 16 random characters have 64 bits or more; a shorter key could be guessed. */
const shortKeyFault = matches(
  /^.{16}/s,
  'refers to a key of fewer than 16 characters; create one with "openssl rand -hex 32"',
);
/** Without spaces, because a Bearer token ends at one. */
const apikeyFault = matches(
  /^[\x21-\x7e]{16,}$/,
  'refers to an API key that is not 16 or more visible ASCII characters; create one with "openssl rand -hex 32"',
);
