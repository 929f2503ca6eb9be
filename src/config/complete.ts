// Configuration, after its checks: what is implied is written out, so that nothing downstream knows a default.

import type { SecretReference } from "../core/secret.ts";
import { type Binding, isRequired, sessionMode } from "../nextauth/binding.ts";
import type { NextAuthServerSettings } from "../nextauth/servers.ts";
import { ruleOf } from "../nextauth/values.ts";
import type { ClientAssertionSettings, HmacAlgorithm } from "../oauth/client-authentication.ts";
import { withDefaults } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import type { SigningAlgorithm } from "../oauth/signing-key.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { authMethod } from "./check-provider.ts";
import type { FileConfig } from "./schema.ts";
import type { ClientCertificatePin, FileBinding, FileExchange, FileNextAuth } from "./schema-nextauth.ts";
import type { FileProvider, KeySettings, TlsSettings } from "./schema-provider.ts";

/** Who may call. Where it has both, a key and a certificate are needed; of each, any one that it has. */
export interface Caller {
  apikeys: readonly SecretReference[];
  client_certificates: readonly ClientCertificatePin[];
  /** The virtual servers it may speak for; undefined means all. */
  serverids?: readonly string[] | undefined;
}

export interface Route {
  /** Undefined matches every call. */
  serverid?: string | undefined;
  provider: string;
}

export interface Signing {
  /** Undefined where nothing is published. */
  issuer?: string | undefined;
  /** `verify` keys are published only. */
  keys: readonly (KeySettings & { use: "sign" | "verify"; created?: string | undefined })[];
}

/** A nextAuth Server with the references to its credentials, which credentials.ts resolves. */
export interface NextAuthConfig extends NextAuthServerSettings {
  apikey: SecretReference;
  tls: TlsSettings | undefined;
}

/** A provider with the references to its credentials, which credentials.ts resolves. */
export interface ProviderConfig extends ProviderSettings {
  client_secret: readonly SecretReference[];
  client_key: readonly KeySettings[];
  /** Of the keys under signing.keys, those that authenticate the client where there is no client_key; undefined means all. */
  client_key_alg: SigningAlgorithm | undefined;
  tls: TlsSettings | undefined;
}

/** The configuration, complete with defaults. Durations are in milliseconds. */
export interface Config {
  server: FileConfig["server"];
  callers: Readonly<Record<string, Caller>>;
  /** The first one whose path and method a call has. */
  get_token: readonly Binding[];
  nextauth: readonly NextAuthConfig[];
  webnonce_exchange: FileExchange | undefined;
  signing: Signing | undefined;
  providers: Readonly<Record<string, ProviderConfig>>;
  routes: readonly Route[];
  log: FileConfig["log"];
}

export function complete(file: FileConfig): Config {
  const { server, callers, get_token, nextauth = [], webnonce_exchange, signing, providers, routes, log } = file;
  const named = Object.entries(providers).map(([name, provider]) => [name, completeProvider(provider)] as const);
  return {
    server,
    callers: Object.fromEntries(
      Object.entries(callers).map(([name, { apikeys = [], client_certificates = [], serverids }]) => [
        name,
        { apikeys, client_certificates, serverids },
      ]),
    ),
    get_token: get_token.map((binding) => completeBinding(binding, nextauth.length > 0)),
    nextauth: nextauth.map(completeNextAuth),
    webnonce_exchange,
    signing,
    providers: Object.fromEntries(named),
    // checkRoutes lets no file through that has several providers and no routes.
    routes: routes ?? [{ provider: named[0]?.[0] as string }],
    log,
  };
}

function completeBinding(binding: FileBinding, hasNextauth: boolean): Binding {
  const session = sessionMode(binding, hasNextauth);
  const values = Object.entries(binding.values).map(([name, { from, type, max_length, required }]) => {
    const rule = ruleOf(name);
    const value = {
      from,
      type: type ?? rule.type,
      max_length: max_length ?? rule.max_length,
      required: (required ?? false) || isRequired(name, session),
    };
    return [name, value] as const;
  });
  return { ...binding, session, values: Object.fromEntries(values) };
}

const DEFAULT_CONNECT_TIMEOUT_MS = 1_000;

function completeNextAuth(server: FileNextAuth): NextAuthConfig {
  return {
    ...server,
    url: server.url.replace(/\/+$/, ""),
    connect_timeout: server.connect_timeout ?? Math.min(DEFAULT_CONNECT_TIMEOUT_MS, server.timeout),
    session_cache: server.session_cache ?? 0,
    tls: server.tls,
  };
}

function completeProvider(provider: FileProvider): ProviderConfig {
  const hasIssuer = provider.issuer !== undefined;
  const alg = provider.client_assertion?.alg;
  const isHmac = alg?.startsWith("HS") ?? false;
  return {
    ...provider,
    discovery: provider.token_endpoint === undefined ? (provider.discovery ?? "oidc") : "none",
    token_endpoint_auth_method: authMethod(provider),
    connect_timeout: provider.connect_timeout ?? Math.min(DEFAULT_CONNECT_TIMEOUT_MS, provider.timeout),
    client_secret: provider.client_secret ?? [],
    client_key: provider.client_key ?? [],
    client_key_alg: isHmac ? undefined : (alg as SigningAlgorithm | undefined),
    client_assertion: completeAssertion(provider, hasIssuer, isHmac ? (alg as HmacAlgorithm) : undefined),
    jwt: Object.fromEntries(
      jwtsNeeded(provider).map((name) => [name, withDefaults(provider.jwt[name] ?? {}, hasIssuer)]),
    ),
    tls: provider.tls,
  };
}

const DEFAULT_ASSERTION_TTL_MS = 60_000;
/** The revision of RFC 7523 asks for this type, and for the issuer as the only audience. */
const ASSERTION_TYP = "client-authentication+jwt";

function completeAssertion(
  { client_assertion: given }: FileProvider,
  hasIssuer: boolean,
  alg: HmacAlgorithm | undefined,
): ClientAssertionSettings {
  return {
    aud: given?.aud ?? (hasIssuer ? "{{issuer}}" : "{{token_endpoint}}"),
    typ: given?.typ === undefined ? ASSERTION_TYP : given.typ, // null says none
    ttl: given?.ttl ?? DEFAULT_ASSERTION_TTL_MS,
    backdate: given?.backdate ?? 0,
    header: given?.header ?? {},
    claims: given?.claims ?? {},
    alg,
  };
}
