// What a provider is made of: its part of the file, and the secrets and keys that the file names.

import type { Secret } from "../core/secret.ts";
import type { TlsCredentials } from "../core/transport.ts";
import type { ClientSettings } from "./client-authentication.ts";
import type { DiscoveryKind } from "./discovery.ts";
import type { ExpectSubjectSettings } from "./expect-subject.ts";
import type { JwtSettings } from "./jwt.ts";
import type { SigningKey } from "./signing-key.ts";
import type { PlacedSecrets, TokenRequestSettings } from "./token-request.ts";
import type { ErrorRules } from "./token-response.ts";

/** A provider as the file describes it. Durations are in milliseconds. */
export interface ProviderSettings extends TokenRequestSettings, ClientSettings, ErrorRules {
  issuer?: string | undefined;
  /** Whether, and by which document, the token endpoint is looked up from the issuer. */
  discovery: DiscoveryKind | "none";
  token_endpoint?: string | undefined;
  jwt: Readonly<Record<string, JwtSettings>>;
  expect_subject?: ExpectSubjectSettings | undefined;
  timeout: number;
  connect_timeout: number;
  max_response_bytes: number;
  /** Exchanges at once; on Node. */
  max_in_flight: number;
}

/** What a provider's settings name and do not hold: loaded before the first call. */
export interface ProviderCredentials {
  /** In the order of the file. */
  secrets: readonly Secret[];
  clientKeys: readonly SigningKey[];
  /** Those of `signing.keys` that sign, the first one first. */
  signingKeys: readonly SigningKey[];
  signingIssuer: string | undefined;
  tls: TlsCredentials | undefined;
  /** Those in params and headers. */
  placed: PlacedSecrets;
}
