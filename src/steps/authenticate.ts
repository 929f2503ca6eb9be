// Authenticates the caller of getToken by its API key, its client certificate, or both.

import type { CallerCredentials } from "../config/credentials.ts";
import type { ClientCertificatePin } from "../config/schema-server.ts";
import { TokenProxyError } from "../core/errors.ts";
import { hex } from "../core/hex.ts";
import type { ClientCertificate, Inbound } from "../core/inbound.ts";
import type { Runtime } from "../core/ports.ts";
import type { Caller } from "../get-token.ts";
import type { CallStep } from "./context.ts";

/** @param apikeyHeader the header of the API key, in lower case */
export function authenticateCaller(inbound: Inbound, authenticate: Authenticate, apikeyHeader: string): CallStep {
  return async (c, next) => {
    const { raw } = c.req;
    const caller = await authenticate(raw.headers, inbound.clientCertificate(raw, c.env), apikeyHeader);
    c.get("trace").note({ caller: caller.name });
    c.set("caller", caller);
    await next();
  };
}

/**
 * Refuses a call whose last byte arrived after its credentials may have been withdrawn: the
 * certificate was verified, and perhaps the caller authenticated, with the old configuration.
 */
export function refuseOutdated(inbound: Inbound, apikeyHeader: string): CallStep {
  return (c, next) => {
    if (!inbound.isOutdated(c.env)) return next();
    throw unauthenticated(
      "the callers of the configuration have changed: call again, on a new connection",
      apikeyHeader,
    );
  };
}

export interface KnownCaller extends Caller {
  name: string;
  /** It must present one of these client certificates; empty if it needs none. */
  pins: readonly string[];
}

/** @throws {TokenProxyError} caller_unauthenticated */
type Authenticate = (headers: Headers, certificate: Certificate, apikeyHeader: string) => Promise<KnownCaller>;

type Certificate = ClientCertificate | undefined;

/**
 * Keys are kept as salted SHA-256 digests. A Map finds the digest by its first bytes, which nobody
 * can predict without the salt, so the time it takes reveals nothing. The rest is compared in
 * constant time.
 */
export async function createAuthenticator(
  callers: ReadonlyMap<string, CallerCredentials>,
  { hashText, ids }: Pick<Runtime, "hashText" | "ids">,
): Promise<Authenticate> {
  const salt = hex(ids.random(32)); // so that nobody can prepare keys whose digests start alike
  const digestOf = (apikey: string) => hashText(salt + apikey);
  const byKey = new Map<string, { digest: string; caller: KnownCaller }>();
  const byCertificate = new Map<string, KnownCaller>();
  for (const [name, { apikeys, client_certificates, serverids }] of callers) {
    const pins = client_certificates.map(pinOf);
    const caller = { name, serverids: serverids && new Set(serverids), pins };
    for (const apikey of apikeys) {
      const digest = await digestOf(apikey.reveal());
      byKey.set(bucketOf(digest), { digest, caller });
    }
    if (apikeys.length === 0) for (const pin of pins) byCertificate.set(pin, caller);
  }

  function callerOfKey(digest: string, header: string): KnownCaller {
    const candidate = byKey.get(bucketOf(digest));
    if (candidate !== undefined && isEqual(candidate.digest, digest)) return candidate.caller;
    throw unauthenticated("the API key of the call belongs to no caller in the configuration", header);
  }

  function callerOfCertificate(certificate: Certificate, header: string): KnownCaller {
    const pin = pinsOf(certificate).find((candidate) => byCertificate.has(candidate));
    if (pin !== undefined) return byCertificate.get(pin) as KnownCaller;
    const missing = byCertificate.size === 0 ? "no API key" : "neither an API key nor a client certificate of a caller";
    throw unauthenticated(`the call has ${missing}`, header);
  }

  return async (headers, certificate, header) => {
    // A wrong key is refused, even with the right certificate.
    const key = presentedKey(headers.get(header), header);
    if (key === undefined) return callerOfCertificate(certificate, header);
    const caller = callerOfKey(await digestOf(key), header);
    const { pins } = caller;
    if (pins.length === 0 || pinsOf(certificate).some((pin) => pins.includes(pin))) return caller;
    throw unauthenticated("with this API key, the call also needs a client certificate of its caller", header);
  };
}

/** The prefix keeps fingerprints and names apart. */
function pinOf(pin: ClientCertificatePin): string {
  return "sha256" in pin ? `sha256:${pin.sha256}` : `dns:${pin.san_dns}`;
}

function pinsOf(certificate: Certificate): string[] {
  if (certificate === undefined) return [];
  return [`sha256:${certificate.sha256}`, ...certificate.dnsNames.map((name) => `dns:${name}`)];
}

/** A malformed Bearer counts as a wrong key. */
function presentedKey(value: string | null, header: string): string | undefined {
  if (value === null) return undefined;
  return header === "authorization" ? (/^bearer +(\S+)$/i.exec(value)?.[1] ?? "") : value;
}

/** RFC 9110 section 15.5.2 requires a challenge; no scheme is registered for X-apikey. */
function unauthenticated(message: string, header: string): TokenProxyError {
  const scheme = header === "authorization" ? "Bearer" : header;
  return new TokenProxyError("caller_unauthenticated", message, { challenge: `${scheme} realm="getToken"` });
}

/** 64 bits of a digest; a collision would only lock out a caller. */
const bucketOf = (digest: string): string => digest.slice(0, 16);

function isEqual(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
