// Finds a provider's token endpoint from its issuer (OpenID Connect Discovery 1.0 §4, RFC 8414 §3) and remembers it.

import * as z from "zod";
import { TokenProxyError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import type { Transport, TransportResponse } from "../core/transport.ts";
import { endpointUrlFault } from "../core/url.ts";
import { asProviderError } from "./transport-failure.ts";

/** What this proxy uses of the authorization server's metadata. */
export interface Metadata {
  issuer: string;
  /** For a client that authenticates by TLS the one of mtls_endpoint_aliases, where there is one (RFC 8705 §5). */
  token_endpoint: string;
  /** What the server says it knows; only the check command asks. */
  grant_types_supported?: string[] | undefined;
  token_endpoint_auth_methods_supported?: string[] | undefined;
}

export type DiscoveryKind = "oidc" | "oauth";

/** Metadata that calls can use, with the time of the last look-up that succeeded; or why there is none. */
export interface DiscoveryState {
  ready: boolean;
  problem?: string;
  discoveredAt?: number;
}

export interface Discovery {
  /**
   * The metadata, from memory or, where that is empty or old, from the provider.
   * @param timeout milliseconds that a look-up may take
   * @param send what a look-up goes out by, so that a call can tell whether one was made for it
   * @throws {TokenProxyError} with a `provider_…` code where there is no metadata and none can be had
   */
  metadata(timeout: number, send?: Transport): Promise<Metadata>;
  /** The metadata in memory where that is fresh, so that most calls need no promise. */
  fresh(): Metadata | undefined;
  /** Looks the metadata up whatever is in memory, which stays as it is where the look-up fails. Throws as metadata does. */
  refresh(timeout: number): Promise<Metadata>;
  state(): DiscoveryState;
  /** For the discovery that takes the place of this one. */
  remembered(): Remembered | undefined;
  /** Goes on from what another one remembers, at its age, where that is about the same; not in place of what is known. */
  adopt(remembered: Remembered | undefined): void;
}

export interface DiscoverySettings {
  issuer: string;
  discovery: DiscoveryKind;
  /** Whether the client authenticates by TLS. */
  byTls: boolean;
}

/** Metadata with what it was looked up by. */
export interface Remembered {
  settings: DiscoverySettings;
  metadata: Metadata;
  /** When it was found, in milliseconds since the epoch. */
  at: number;
  /** When it is to be looked up again, as Clock.elapsed has it. */
  refreshAt: number;
}

/** Metadata changes with deployments, not with calls. */
export const METADATA_LIFETIME_MS = 3_600_000;
/** After a failed look-up, calls fail at once for this long instead of each asking a provider that is down. */
const FAILURE_LIFETIME_MS = 1_000;
/** How long old metadata goes on being used, untried, after a refresh began: an outage must not cost every call a look-up. */
const REFRESH_PAUSE_MS = 60_000;
/** Of a call's timeout, what it may wait for new metadata while there is old. */
const REFRESH_SHARE = 0.2;
/** The largest documents of real providers are under 10 kB. */
const MAX_METADATA_BYTES = 262_144;

const metadataSchema = z.object({
  issuer: z.string(),
  token_endpoint: z.string(),
  mtls_endpoint_aliases: z.object({ token_endpoint: z.string().optional() }).optional().catch(undefined),
  grant_types_supported: z.array(z.string()).optional().catch(undefined),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional().catch(undefined),
});

/**
 * Nothing in flight is shared between calls: on Workers a promise of another request never settles (workerd#210).
 * @param key the provider's key in the file, for errors
 */
export function createDiscovery(
  settings: DiscoverySettings,
  key: string,
  deps: { transport: Transport; clock: Clock },
): Discovery {
  const { issuer } = settings;
  const { transport, clock } = deps;
  const urls = metadataUrls(issuer, settings.discovery);
  let known: Remembered | undefined;
  let failed: { error: TokenProxyError; until: number } | undefined;

  async function lookUp(timeout: number, send: Transport): Promise<Metadata> {
    const deadline = clock.elapsed() + timeout;
    let response: TransportResponse | undefined;
    for (const url of urls) {
      response = await send({
        method: "GET",
        url,
        headers: REQUEST_HEADERS,
        timeout: deadline - clock.elapsed(),
        maxResponseBytes: MAX_METADATA_BYTES,
      });
      if (response.status !== 404) break;
    }
    return parseMetadata(response as TransportResponse, settings, key);
  }

  async function refresh(timeout: number, send = transport): Promise<Metadata> {
    // Before the look-up, so that of the calls that come meanwhile none makes one more.
    if (known !== undefined) known.refreshAt = Math.max(known.refreshAt, clock.elapsed() + REFRESH_PAUSE_MS);
    try {
      const metadata = await lookUp(timeout, send);
      known = { settings, metadata, at: clock.now(), refreshAt: clock.elapsed() + METADATA_LIFETIME_MS };
      return metadata;
    } catch (cause) {
      const error = asProviderError(cause, key);
      if (error instanceof TokenProxyError) failed = { error, until: clock.elapsed() + FAILURE_LIFETIME_MS };
      throw error;
    }
  }

  const fresh = () => (known !== undefined && clock.elapsed() < known.refreshAt ? known.metadata : undefined);

  return {
    fresh,
    refresh: (timeout) => refresh(timeout),
    async metadata(timeout, send) {
      const now = clock.elapsed();
      const found = fresh();
      if (found !== undefined) return found;
      if (known !== undefined) {
        const { metadata } = known;
        // Old metadata is better than none: the look-up may take its share of the call's time and no more.
        return refresh(timeout * REFRESH_SHARE, send).catch(() => metadata);
      }
      if (failed !== undefined && now < failed.until) throw failed.error;
      return refresh(timeout, send);
    },
    state() {
      if (known !== undefined) return { ready: true, discoveredAt: known.at };
      return { ready: false, problem: failed === undefined ? "no discovery yet" : failed.error.message };
    },
    remembered: () => known,
    adopt(remembered) {
      const isSame =
        remembered?.settings.issuer === issuer &&
        remembered.settings.discovery === settings.discovery &&
        remembered.settings.byTls === settings.byTls;
      if (isSame) known ??= { ...remembered };
    },
  };
}

/**
 * Where the document may be. The well-known part is appended for OpenID Connect, and put before the issuer's path by RFC 8414
 * §3.1; Okta appends it for both, so that place is tried where the right one has nothing.
 */
export function metadataUrls(issuer: string, kind: DiscoveryKind): string[] {
  const [, origin, path] = /^([^:]+:\/\/[^/]+)(.*?)\/?$/.exec(issuer) as unknown as [string, string, string];
  if (kind === "oidc") return [`${origin}${path}/.well-known/openid-configuration`];
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`;
  return path === "" ? [inserted] : [inserted, `${origin}${path}/.well-known/oauth-authorization-server`];
}

function parseMetadata(
  response: { status: number; body: Uint8Array },
  { issuer, byTls }: { issuer: string; byTls: boolean },
  key: string,
): Metadata {
  const fail = (code: "provider_error" | "provider_redirected" | "provider_not_json", what: string) =>
    new TokenProxyError(code, `discovery of "${key}" ${what}`, { detail: { provider_status: response.status } });

  if (response.status >= 300 && response.status < 400) {
    throw fail("provider_redirected", "was answered with a redirect, which is never followed: correct its issuer");
  }
  if (response.status !== 200)
    throw fail("provider_error", `was answered with status ${response.status}: check its issuer`);
  const document = readJsonObject(response.body);
  if (document === undefined) {
    throw fail("provider_not_json", "was answered with something that is not a JSON object: check its issuer");
  }
  const parsed = metadataSchema.safeParse(document);
  if (!parsed.success) throw fail("provider_error", "found no issuer or no token_endpoint in the document");
  // Letter by letter (RFC 8414 §3.3): an attacker's document for another issuer must not lend us its endpoints.
  if (parsed.data.issuer !== issuer) {
    throw fail("provider_error", "found another issuer in the document: write issuer exactly as the provider does");
  }
  const { token_endpoint, mtls_endpoint_aliases: aliases } = parsed.data;
  const endpoint = (byTls ? aliases?.token_endpoint : undefined) ?? token_endpoint;
  // An issuer beyond this machine has no business with plain HTTP on it.
  const downgraded = /^https:/i.test(issuer) && !/^https:/i.test(endpoint);
  const fault = endpointUrlFault(endpoint) ?? (downgraded ? "must be an https URL" : undefined);
  if (fault !== undefined) throw fail("provider_error", `found a token_endpoint that ${fault}`);
  return { ...parsed.data, token_endpoint: endpoint };
}
