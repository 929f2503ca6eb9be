// A provider of the file: its settings, and the secrets and keys that it refers to.

import type * as z from "zod";
import type { Secret } from "../core/secret.ts";
import type { ProxyFor, TlsCredentials } from "../core/transport.ts";
import type { AssertionFile } from "./assertion-file.ts";
import { USER_JWT, withDefaults } from "./grants.ts";
import { jwt, writtenProvider } from "./settings.ts";
import type { SigningKey } from "./signing-key.ts";
import { jwtsNeeded } from "./template-names.ts";

/** Adds the defaults that depend on other keys. */
export const provider = writtenProvider.transform((provider) => {
  const { issuer, token_endpoint, discovery = "oidc", client_assertion } = provider;
  const aud = issuer === undefined ? "{{token_endpoint}}" : "{{issuer}}";
  const isUserMissing = provider.jwt[USER_JWT] === undefined && jwtsNeeded(provider).includes(USER_JWT);
  const jwts = { ...provider.jwt, ...(isUserMissing ? { [USER_JWT]: jwt.parse({}) } : {}) };
  return {
    ...provider,
    discovery: token_endpoint === undefined ? discovery : ("none" as const),
    // The revision of RFC 7523 allows only the issuer.
    client_assertion: { ...client_assertion, aud: client_assertion.aud ?? aud },
    jwt: Object.fromEntries(Object.entries(jwts).map(([name, written]) => [name, withDefaults(written, aud)])),
  };
});

/** docs/configuration.md describes each key. */
export type ProviderSettings = z.output<typeof provider>;

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
