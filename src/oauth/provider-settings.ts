// A provider as the configuration file describes it, and the secrets and keys that it refers to.

import type { Secret, SecretReference } from "../core/secret.ts";
import type { ProxyFor, TlsCredentials, TransportSettings } from "../core/transport.ts";
import type { AssertionFile } from "./assertion-file.ts";
import type { ClientSettings } from "./client-authentication.ts";
import type { DiscoveryKind } from "./discovery.ts";
import type { ErrorRules } from "./error-rules.ts";
import type { Expectations } from "./expectations.ts";
import type { RequestParameters } from "./grants.ts";
import type { JwtSettings } from "./jwt.ts";
import type { SigningKey } from "./signing-key.ts";

/** docs/configuration.md describes each key. Durations are in milliseconds. */
export interface ProviderSettings extends RequestParameters, ClientSettings, ErrorRules, Expectations {
  issuer?: string | undefined;
  discovery: DiscoveryKind | "none";
  metadata_url?: string | undefined;
  token_endpoint?: string | undefined;
  headers: Readonly<Record<string, string | SecretReference>>;
  jwt: Readonly<Record<string, JwtSettings>>;
  cache?: boolean;
  timeout: number;
  connect_timeout: number;
  http2?: TransportSettings["http2"];
  reuse_connections?: boolean | undefined;
  max_response_bytes: number;
  max_in_flight: number;
}

/** Loaded before the first call. */
export interface ProviderCredentials {
  secrets: readonly Secret[];
  clientKeys: readonly SigningKey[];
  /** Instead of clientKeys. */
  assertionFile?: AssertionFile | undefined;
  /** The keys of `signing.keys` that sign, the default one first. */
  signingKeys: readonly SigningKey[];
  signingIssuer: string | undefined;
  tls: TlsCredentials | undefined;
  proxyFor?: ProxyFor | undefined;
  /** Secrets in params and headers, by `params.NAME` or `headers.NAME`. */
  placed: ReadonlyMap<string, Secret>;
}
