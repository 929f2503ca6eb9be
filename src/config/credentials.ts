// Configuration, second step: every secret and key that the file names is loaded before the first call, or the start stops.

import type { Sha256 } from "../core/ports.ts";
import { Secret, type SecretReference } from "../core/secret.ts";
import type { TlsCredentials } from "../core/transport.ts";
import type { NextAuthCredentials } from "../nextauth/servers.ts";
import type { PlacedSecrets, ProviderCredentials } from "../oauth/provider-settings.ts";
import { type CreateJwsSigner, importSigningKey, KeyError, type SigningKey } from "../oauth/signing-key.ts";
import type { Config, ProviderConfig } from "./complete.ts";
import { fault, type PathFault } from "./faults.ts";
import type { ParsedFile } from "./parse.ts";
import type { Path } from "./position.ts";
import type { ClientCertificatePin } from "./schema-nextauth.ts";
import type { KeySettings, TlsSettings } from "./schema-provider.ts";
import { apikeyFault, headerFault, identitiesKeyFault, secretFault } from "./secret-faults.ts";

/** What loading needs of the runtime. */
export interface CredentialHost {
  /**
   * Reads the text of one secret.
   * @throws {SecretError} where there is none
   */
  read(reference: SecretReference): string | Promise<string>;
  sha256: Sha256;
  /** How it signs; undefined where WebCrypto does. */
  createJwsSigner: CreateJwsSigner | undefined;
  /** Whether it opens the listener of `server`; Workers are called through Cloudflare's. */
  listens: boolean;
  /** @returns why this host cannot tell a caller by such a certificate, as a phrase that follows its path */
  pinFault(pin: ClientCertificatePin, server: Config["server"]): string | undefined;
  /** @returns why this host cannot keep a rate limit, as a phrase that follows its path */
  rateLimitFault(limit: { binding: string }): string | undefined;
  /** @returns what is wrong with TLS credentials, as a phrase that follows their path. @param caKey as in Loader.tls */
  tlsFault(credentials: TlsCredentials, caKey?: string): string | undefined;
  /** @returns what is wrong with a certificate (PEM) beyond its key, as its being expired; undefined where it cannot tell */
  certificateFault(certificate: string): string | undefined;
}

/** A secret cannot be read. The message follows its path in the file and says how to cure it. */
export class SecretError extends Error {
  override readonly name = "SecretError";
}

/** A caller with what proves who it is. */
export interface CallerCredentials {
  apikeys: readonly Secret[];
  client_certificates: readonly ClientCertificatePin[];
  serverids: readonly string[] | undefined;
}

/** What the listener serves TLS with, PEM. */
export interface ServerTls {
  certificate: Secret;
  private_key: Secret;
  /** Who issues callers' certificates. */
  client_ca: Secret | undefined;
}

export interface Credentials {
  callers: ReadonlyMap<string, CallerCredentials>;
  /** In the order of the file. */
  nextauth: readonly NextAuthCredentials[];
  /** Undefined without TLS of our own, and on a host that has no listener. */
  serverTls: ServerTls | undefined;
  providers: ReadonlyMap<string, ProviderCredentials>;
  /** Of the hashes in the log. */
  identitiesKey: Secret | undefined;
  /** Every key under `signing`, those that only verify included. */
  signingKeys: readonly SigningKey[];
}

/**
 * @throws {ConfigError} with a fault for every secret, key or certificate that is missing or unusable
 */
export async function loadCredentials({ config, error }: ParsedFile, host: CredentialHost): Promise<Credentials> {
  const faults: PathFault[] = [];
  const loader = createLoader(host, faults);
  const callers = await loadCallers(config, loader, faults, host);
  const serverTls = host.listens ? await loadServerTls(config, loader) : undefined;
  const nextauth = await loadNextAuth(config, loader);
  for (const [name, limit] of Object.entries(config.webnonce_exchange?.rate_limit ?? {})) {
    const problem = host.rateLimitFault(limit);
    if (problem !== undefined) faults.push(fault(["webnonce_exchange", "rate_limit", name], problem));
  }
  const signing = await loadSigning(config, loader);
  const providers = new Map<string, ProviderCredentials>();
  for (const [name, provider] of Object.entries(config.providers)) {
    providers.set(name, await loadProvider(name, provider, signing, loader));
  }
  const { identities_key: reference } = config.log;
  const identitiesKey =
    reference === undefined ? undefined : await loader.secret(reference, ["log", "identities_key"], identitiesKeyFault);
  if (faults.length > 0) throw error(faults);
  return { identitiesKey, callers, nextauth, serverTls, providers, signingKeys: signing.all };
}

interface Loader {
  /** Undefined where it is at fault; the fault is noted. */
  secret(
    reference: SecretReference,
    path: Path,
    faultOf: (text: string) => string | undefined,
  ): Promise<Secret | undefined>;
  key(settings: KeySettings, path: Path): Promise<SigningKey | undefined>;
  /** @param caKey what the authorities are called in the file */
  tls(settings: TlsSettings, path: Path, caKey?: string): Promise<TlsCredentials>;
}

function createLoader(host: CredentialHost, faults: PathFault[]): Loader {
  const secret: Loader["secret"] = async (reference, path, faultOf) => {
    try {
      const text = await host.read(reference);
      const problem = text.trim() === "" ? "names a secret that is empty" : faultOf(text);
      if (problem === undefined) return new Secret(text);
      faults.push(fault(path, problem));
    } catch (cause) {
      if (!(cause instanceof SecretError)) throw cause;
      faults.push(fault(path, cause.message));
    }
    return undefined;
  };
  const optional = (reference: SecretReference | undefined, path: Path) =>
    reference === undefined ? undefined : secret(reference, path, () => undefined);

  return {
    secret,
    async key({ kid, alg, private_key, certificate: reference }, path) {
      const key = await optional(private_key, [...path, "private_key"]);
      const certificate = await optional(reference, [...path, "certificate"]);
      if (key === undefined || (reference !== undefined && certificate === undefined)) return undefined;
      try {
        const imported = await importSigningKey({ kid, alg, key, certificate }, host);
        const problem = certificate === undefined ? undefined : host.certificateFault(certificate.reveal());
        if (problem !== undefined) faults.push(fault([...path, "certificate"], problem));
        return imported;
      } catch (cause) {
        if (!(cause instanceof KeyError)) throw cause;
        faults.push(fault([...path, cause.part], cause.message));
        return undefined;
      }
    },
    async tls({ certificate, private_key, ca, binding }, path, caKey = "ca") {
      const credentials = {
        certificate: await optional(certificate, [...path, "certificate"]),
        private_key: await optional(private_key, [...path, "private_key"]),
        ca: await optional(ca, [...path, caKey]),
        binding,
      };
      const problem = host.tlsFault(credentials, caKey);
      if (problem !== undefined) faults.push(fault(path, problem));
      else if (credentials.certificate !== undefined) {
        const outdated = host.certificateFault(credentials.certificate.reveal());
        if (outdated !== undefined) faults.push(fault([...path, "certificate"], outdated));
      }
      return credentials;
    },
  };
}

async function loadCallers(
  { callers, server }: Config,
  loader: Loader,
  faults: PathFault[],
  host: CredentialHost,
): Promise<Map<string, CallerCredentials>> {
  const loaded = new Map<string, CallerCredentials>();
  const owners = new Map<string, string>();
  const pinned = new Map<string, string>();
  for (const [name, { apikeys: references, client_certificates, serverids }] of Object.entries(callers)) {
    const apikeys: Secret[] = [];
    for (const [index, reference] of references.entries()) {
      const path = ["callers", name, "apikeys", index];
      const apikey = await loader.secret(reference, path, apikeyFault);
      if (apikey === undefined) continue;
      const owner = owners.get(apikey.reveal()) ?? name;
      if (owner !== name)
        faults.push(fault(path, `is the same key as one of "callers.${owner}": a key must tell who calls`));
      owners.set(apikey.reveal(), owner);
      apikeys.push(apikey);
    }
    for (const [index, pin] of client_certificates.entries()) {
      const path = ["callers", name, "client_certificates", index];
      const problem = host.pinFault(pin, server);
      if (problem !== undefined) faults.push(fault(path, problem));
      // With a key beside it, the certificate need not tell who calls.
      if (references.length > 0) continue;
      const key = Object.values(pin).join();
      const owner = pinned.get(key) ?? name;
      if (owner !== name)
        faults.push(fault(path, `is the same as one of "callers.${owner}": a certificate alone must tell who calls`));
      pinned.set(key, owner);
    }
    loaded.set(name, { apikeys, client_certificates, serverids });
  }
  return loaded;
}

async function loadServerTls({ server }: Config, loader: Loader): Promise<ServerTls | undefined> {
  if (server.tls === undefined) return undefined;
  const { client_ca, ...keys } = server.tls;
  const { certificate, private_key, ca } = await loader.tls({ ...keys, ca: client_ca }, ["server", "tls"], "client_ca");
  if (certificate === undefined || private_key === undefined) return undefined; // the fault is noted
  return { certificate, private_key, client_ca: ca };
}

async function loadNextAuth({ nextauth }: Config, loader: Loader): Promise<NextAuthCredentials[]> {
  const loaded: NextAuthCredentials[] = [];
  for (const [index, { apikey: reference, tls }] of nextauth.entries()) {
    const apikey = await loader.secret(reference, ["nextauth", index, "apikey"], headerFault);
    const credentials = tls === undefined ? undefined : await loader.tls(tls, ["nextauth", index, "tls"]);
    if (apikey !== undefined) loaded.push({ apikey, tls: credentials });
  }
  return loaded;
}

async function loadSigning({ signing }: Config, loader: Loader) {
  const all: SigningKey[] = [];
  const sign: SigningKey[] = [];
  for (const [index, settings] of (signing?.keys ?? []).entries()) {
    const key = await loader.key(settings, ["signing", "keys", index]);
    if (key === undefined) continue;
    all.push(key);
    if (settings.use === "sign") sign.push(key);
  }
  return { issuer: signing?.issuer, all, sign };
}

async function loadProvider(
  name: string,
  provider: ProviderConfig,
  signing: { issuer: string | undefined; sign: readonly SigningKey[] },
  loader: Loader,
): Promise<ProviderCredentials> {
  const path: Path = ["providers", name];
  const secrets: Secret[] = [];
  for (const [index, reference] of provider.client_secret.entries()) {
    const secret = await loader.secret(reference, [...path, "client_secret", index], secretFault);
    if (secret !== undefined) secrets.push(secret);
  }
  const own: SigningKey[] = [];
  for (const [index, settings] of provider.client_key.entries()) {
    const key = await loader.key(settings, [...path, "client_key", index]);
    if (key !== undefined) own.push(key);
  }
  const { client_key_alg: alg } = provider;
  const candidates = provider.client_key.length > 0 ? own : signing.sign;
  return {
    secrets,
    clientKeys: alg === undefined ? candidates : candidates.filter((key) => key.alg === alg),
    signingKeys: signing.sign,
    signingIssuer: signing.issuer,
    placed: await loadPlaced(provider, path, loader),
    tls: provider.tls === undefined ? undefined : await loader.tls(provider.tls, [...path, "tls"]),
  };
}

async function loadPlaced({ params, headers }: ProviderConfig, path: Path, loader: Loader): Promise<PlacedSecrets> {
  const placed = new Map<string, Secret>();
  for (const [part, members] of Object.entries({ params, headers })) {
    for (const [name, value] of Object.entries(members)) {
      if (typeof value === "string" || Array.isArray(value)) continue;
      const faultOf = part === "headers" ? headerFault : secretFault;
      const secret = await loader.secret(value as SecretReference, [...path, part, name], faultOf);
      if (secret !== undefined) placed.set(`${part}.${name}`, secret);
    }
  }
  return placed;
}
