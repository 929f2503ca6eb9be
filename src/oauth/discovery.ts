// Finds the token endpoint of an issuer (OpenID Connect Discovery section 4, RFC 8414 section 3).

import * as z from "zod";
import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import { keepNothing, type Runtime } from "../core/ports.ts";
import type { Transport, TransportResponse } from "../core/transport.ts";
import { endpointUrlFault, isLoopback } from "../core/url.ts";
import { asProviderError } from "./judge-answer.ts";
import type { ProviderSettings } from "./provider-settings.ts";

export type DiscoveryKind = Exclude<ProviderSettings["discovery"], "none">;

export interface DiscoverySettings {
  issuer: string;
  discovery: DiscoveryKind;
  metadata_url?: string | undefined;
  /** Whether the client authenticates by TLS. */
  byTls: boolean;
}

/** Metadata changes with deployments, not with calls. */
export const METADATA_LIFETIME_MS = 3_600_000;
/** So long calls fail at once after a failed look-up: a burst must not suspend the provider. */
const FAILURE_LIFETIME_MS = 1_000;
/** Pause between refreshes of old metadata, so that an outage does not slow down every call. */
const REFRESH_PAUSE_MS = 60_000;
/** The share of a call's timeout for a refresh of old metadata. */
const REFRESH_SHARE = 0.2;
/** The largest documents of real providers have less than 10 kB. */
const MAX_METADATA_BYTES = 262_144;

/** The parts that this proxy uses; jwks_uri and the lists are for `check`. */
const metadataSchema = z.object({
  issuer: z.string(),
  token_endpoint: z.string(),
  jwks_uri: z.string().optional().catch(undefined),
  mtls_endpoint_aliases: z.object({ token_endpoint: z.string().optional() }).optional().catch(undefined),
  grant_types_supported: z.array(z.string()).optional().catch(undefined),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional().catch(undefined),
  token_endpoint_auth_signing_alg_values_supported: z.array(z.string()).optional().catch(undefined),
});

export type Metadata = z.infer<typeof metadataSchema>;
export type Discovery = ReturnType<typeof createDiscovery>;

/** What a reload keeps. `at` since the epoch, `refreshAt` by Clock.elapsed. */
type Memory = { known?: { metadata: Metadata; at: number; refreshAt: number }; movedTo?: string | undefined };

type Deps = Pick<Runtime, "clock" | "log" | "keep"> & { transport: Transport };

/** Calls share no promise: on Workers, another request's promise never settles (workerd#210). */
export function createDiscovery(
  settings: DiscoverySettings,
  key: string,
  { transport, clock, log, keep = keepNothing }: Deps,
) {
  const { issuer, metadata_url } = settings;
  const urls = metadata_url === undefined ? metadataUrls(issuer, settings.discovery) : [metadata_url];
  const memory = keep(JSON.stringify(["discovery", key, settings]), (): Memory => ({}));
  let failed: { error: TokenProxyError; until: number } | undefined;

  async function lookUp(timeout: number, send: Transport): Promise<Metadata> {
    const deadline = clock.elapsed() + timeout;
    let url = "";
    let response: TransportResponse | undefined;
    for (url of urls) {
      response = await send({
        method: "GET",
        url,
        headers: REQUEST_HEADERS,
        timeout: deadline - clock.elapsed(),
        maxResponseBytes: MAX_METADATA_BYTES,
      });
      if (response.status !== 404) break;
    }
    try {
      return parseMetadata(response as TransportResponse, url, settings, key);
    } catch (error) {
      response?.connection?.close(); // the answer may belong to another request
      throw error;
    }
  }

  /** A forged document must not redirect our credentials: only a reload accepts a new host. */
  function learn(found: Metadata, mayMove: boolean): Metadata {
    const old = mayMove ? found : (memory.known?.metadata ?? found);
    const [host, newHost] = [hostOf(old), hostOf(found)];
    memory.movedTo = host === newHost ? undefined : newHost;
    const metadata = host === newHost ? found : old;
    if (host !== newHost) {
      const cure = "if the provider confirms that it moved, reload the configuration";
      const fields = { provider: key.slice("providers.".length), host, moved_to: newHost, cure };
      log("warn", "token endpoint moved to another host: the old one stays", fields);
    }
    memory.known = { metadata, at: clock.now(), refreshAt: clock.elapsed() + METADATA_LIFETIME_MS };
    return metadata;
  }

  /** A failure, or an endpoint on another host unless it may move, keeps the known metadata. */
  async function refresh(timeout: number, send = transport, mayMove = false): Promise<Metadata> {
    const { known } = memory;
    // Set before the look-up, so that calls that arrive meanwhile do not start another.
    if (known !== undefined) known.refreshAt = Math.max(known.refreshAt, clock.elapsed() + REFRESH_PAUSE_MS);
    try {
      return learn(await lookUp(timeout, send), mayMove);
    } catch (cause) {
      const error = asProviderError(cause, key);
      // Not call_deadline or caller_gone, which are about one call.
      const isOwn = error instanceof TokenProxyError && /^provider_|^proxy_refused$/.test(error.code);
      if (isOwn) failed = { error, until: clock.elapsed() + FAILURE_LIFETIME_MS };
      throw error;
    }
  }

  /** The metadata in memory unless it is old; saves most calls a promise. */
  function fresh(): Metadata | undefined {
    const { known } = memory;
    return known !== undefined && clock.elapsed() < known.refreshAt ? known.metadata : undefined;
  }

  return {
    fresh,
    refresh,
    /** From memory or, if there is none or it is old, from the provider within `timeout`. */
    async metadata(timeout: number, send?: Transport): Promise<Metadata> {
      const old = memory.known?.metadata;
      if (old !== undefined) return fresh() ?? refresh(timeout * REFRESH_SHARE, send).catch(() => old);
      if (failed !== undefined && clock.elapsed() < failed.until) throw failed.error;
      return refresh(timeout, send);
    },
    /** `movedTo` is the host of a token endpoint that was not adopted. */
    state(): { ready: boolean; problem?: string; discoveredAt?: number; movedTo?: string | undefined } {
      const { known, movedTo } = memory;
      if (known !== undefined) return { ready: true, discoveredAt: known.at, movedTo };
      const { message = "no discovery yet", cause } = failed?.error ?? {};
      const { code } = (cause ?? {}) as { code?: string };
      return { ready: false, problem: code === undefined ? message : `${message} (${code})` };
    },
  };
}

/**
 * OpenID Connect appends the well-known part, RFC 8414 section 3.1 inserts it before the issuer's
 * path. Okta appends it for both, so that URL comes second.
 */
export function metadataUrls(issuer: string, kind: DiscoveryKind): string[] {
  const [, origin, path] = /^([^:]+:\/\/[^/]+)(.*?)\/?$/.exec(issuer) as unknown as [string, string, string];
  if (kind === "oidc") return [`${origin}${path}/.well-known/openid-configuration`];
  const inserted = `${origin}/.well-known/oauth-authorization-server${path}`;
  return path === "" ? [inserted] : [inserted, `${origin}${path}/.well-known/oauth-authorization-server`];
}

function parseMetadata(
  { status, body }: TransportResponse,
  url: string,
  { issuer, metadata_url, byTls }: DiscoverySettings,
  key: string,
): Metadata {
  const setting = metadata_url === undefined ? "issuer" : "metadata_url";
  const fail = (code: ErrorCode, problem: string, detail: Record<string, string> = {}) =>
    new TokenProxyError(code, `discovery of "${key}" failed: ${problem}`, {
      detail: { url, provider_status: status, ...detail },
    });

  if (status >= 300 && status < 400) {
    throw fail("provider_redirected", `the answer is a redirect, which is never followed; correct ${setting}`);
  }
  if (status >= 500) throw fail("provider_error", "the provider has a problem; its log should say which");
  if (status === 404) throw fail("provider_wrong_endpoint", `there is no document; check ${setting}`);
  if (status !== 200) throw fail("provider_error", `the answer has status ${status}; check ${setting}`);
  const document = readJsonObject(body);
  if (document === undefined) throw fail("provider_not_json", `the answer is not a JSON object; check ${setting}`);
  const { data } = metadataSchema.safeParse(document);
  if (data === undefined) {
    throw fail("provider_error", `the document has no issuer or no token_endpoint; check ${setting}`);
  }
  // Exactly (RFC 8414 section 3.3), so that no other issuer's document passes for this one's.
  if (data.issuer !== issuer) {
    const problem = `the provider has another issuer than the file${difference(issuer, data.issuer)}`;
    // A document could claim anything to be its issuer.
    const isUrl = /^https?:\/\/[\w.:/~%[\]-]{1,256}$/i.test(data.issuer);
    const detail = { issuer, provider_issuer: isUrl ? data.issuer : "not a valid URL" };
    throw fail("provider_error", `${problem}; copy the provider's exactly`, detail);
  }
  // A client that authenticates by TLS may need another endpoint (RFC 8705 section 5).
  const endpoint = (byTls ? data.mtls_endpoint_aliases?.token_endpoint : undefined) ?? data.token_endpoint;
  // endpointUrlFault allows http on loopback, but an issuer with TLS must not send us there.
  const isDowngraded = /^https:/i.test(issuer) && !/^https:/i.test(endpoint);
  const fault = endpointUrlFault(endpoint) ?? (isDowngraded ? "must be an https URL" : undefined);
  if (fault !== undefined) throw fail("provider_error", `the token_endpoint in the document ${fault}`);
  return { ...data, token_endpoint: endpoint };
}

/** The usual reasons why an issuer is not the one in the file. */
function difference(expected: string, found: string): string {
  const isLocal = (issuer: string) => URL.canParse(issuer) && isLoopback(new URL(issuer).hostname);
  const cure = "; tell the provider its public URL, if a proxy is in front of it";
  if (found.replace(/\/$/, "") === expected.replace(/\/$/, "")) return "; only the slash at the end differs";
  if (isLocal(found) && !isLocal(expected)) return ` and names itself localhost${cure}`;
  if (/^http:/i.test(found) && /^https:/i.test(expected)) return ` and uses http instead of https${cure}`;
  return "";
}

/** With the port: another port may be another program. */
function hostOf({ token_endpoint }: Metadata): string {
  return new URL(token_endpoint).host;
}
