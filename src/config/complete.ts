// The configuration with every default filled in, including those that depend on other keys.

import type { SecretReference } from "../core/secret.ts";
import { type Binding, isRequired, sessionMode } from "../nextauth/binding.ts";
import { ruleOf } from "../nextauth/values.ts";
import type { HmacAlgorithm } from "../oauth/client-authentication.ts";
import { withDefaults } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import type { SigningAlgorithm } from "../oauth/signing-key.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import type { FileConfig } from "./schema.ts";
import type { ClientCertificatePin, FileBinding, FileExchange, FileNextAuth } from "./schema-nextauth.ts";
import {
  clientAssertion,
  type FileProvider,
  type FileSigning,
  type KeySettings,
  type TlsSettings,
} from "./schema-provider.ts";

/** With API keys and certificates, a caller needs one of each. */
interface Caller {
  apikeys: readonly SecretReference[];
  client_certificates: readonly ClientCertificatePin[];
  /** Undefined means all. */
  serverids?: readonly string[] | undefined;
}

export interface Route {
  /** Undefined matches every call. */
  serverid?: string | undefined;
  provider: string;
}

/** A nextAuth Server with references to its credentials, which credentials.ts loads. */
export interface NextAuthConfig extends FileNextAuth {
  connect_timeout: number;
}

/** A provider with references to its credentials, which credentials.ts loads. */
export interface ProviderConfig extends ProviderSettings {
  client_secret: readonly SecretReference[];
  client_key: readonly KeySettings[];
  /** Selects among the keys that can authenticate the client; undefined means all. */
  client_key_alg: SigningAlgorithm | undefined;
  tls?: TlsSettings | undefined;
}

/** Durations are in milliseconds. */
export interface Config {
  server: FileConfig["server"];
  callers: Readonly<Record<string, Caller>>;
  /** The first one with the call's path and method is used. */
  get_token: readonly Binding[];
  nextauth: readonly NextAuthConfig[];
  webnonce_exchange: FileExchange | undefined;
  signing: FileSigning | undefined;
  providers: Readonly<Record<string, ProviderConfig>>;
  routes: readonly Route[];
  log: FileConfig["log"];
}

/** @param file that passed all checks */
export function complete(file: FileConfig): Config {
  const { server, callers, get_token, nextauth = [], webnonce_exchange, signing, providers, routes, log } = file;
  return {
    server,
    callers: mapValues(callers, ({ apikeys = [], client_certificates = [], serverids }) => ({
      apikeys,
      client_certificates,
      serverids,
    })),
    get_token: get_token.map((binding) => completeBinding(binding, nextauth.length > 0)),
    nextauth: nextauth.map((one) => ({ ...one, connect_timeout: connectTimeout(one) })),
    webnonce_exchange,
    signing,
    providers: mapValues(providers, completeProvider),
    // checkRoutes requires routes if there are several providers.
    routes: routes ?? Object.keys(providers).map((provider) => ({ provider })),
    log,
  };
}

function mapValues<From, To>(from: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]));
}

function completeBinding(binding: FileBinding, hasNextauth: boolean): Binding {
  const session = sessionMode(binding, hasNextauth);
  const values = Object.entries(binding.values).map(([name, value]) => {
    const { type, max_length } = ruleOf(name);
    const required = value.required === true || isRequired(name, session);
    return [
      name,
      { from: value.from, type: value.type ?? type, max_length: value.max_length ?? max_length, required },
    ] as const;
  });
  return { ...binding, session, values: Object.fromEntries(values) };
}

const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

function connectTimeout({ timeout, connect_timeout }: { timeout: number; connect_timeout?: number | undefined }) {
  return connect_timeout ?? Math.min(DEFAULT_CONNECT_TIMEOUT_MS, timeout);
}

function completeProvider(provider: FileProvider): ProviderConfig {
  const { discovery = "oidc", token_endpoint, client_secret = [], client_key = [] } = provider;
  const assertion = provider.client_assertion ?? clientAssertion.parse({}, { jitless: true });
  const hasIssuer = provider.issuer !== undefined;
  const { alg } = assertion;
  const isHmac = alg?.startsWith("HS") === true;
  const jwts = jwtsNeeded(provider).map((name) => [name, withDefaults(provider.jwt[name] ?? {}, hasIssuer)]);
  return {
    ...provider,
    discovery: token_endpoint === undefined ? discovery : "none",
    connect_timeout: connectTimeout(provider),
    client_secret,
    client_key,
    client_key_alg: isHmac ? undefined : (alg as SigningAlgorithm | undefined),
    client_assertion: {
      ...assertion,
      // The revision of RFC 7523 allows only the issuer.
      aud: assertion.aud ?? (hasIssuer ? "{{issuer}}" : "{{token_endpoint}}"),
      alg: isHmac ? (alg as HmacAlgorithm) : undefined,
    },
    jwt: Object.fromEntries(jwts),
  };
}
