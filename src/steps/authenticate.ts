// Authenticates who calls getToken: by the key in X-apikey as on the nextAuth Server's own REST API, by its certificate, or both.

import type { CallerCredentials } from "../config/credentials.ts";
import type { ClientCertificatePin } from "../config/schema-nextauth.ts";
import { TokenProxyError } from "../core/errors.ts";
import { hex } from "../core/hex.ts";
import type { ClientCertificate } from "../core/inbound.ts";
import type { HashText, Ids } from "../core/ports.ts";

/** A caller that has proved who it is. */
export interface AuthenticatedCaller {
  name: string;
  /** The virtual servers it may speak for; undefined means all. */
  serverids: ReadonlySet<string> | undefined;
}

/**
 * @param certificate of the connection, where it has one that is verified
 * @param header where the API key stands, by the binding
 * @throws {TokenProxyError} caller_unauthenticated
 */
export type Authenticate = (
  headers: Headers,
  certificate: ClientCertificate | undefined,
  header: string,
) => Promise<AuthenticatedCaller>;

/** Fresh for every process: without it nobody can prepare keys whose digests begin alike. */
const SALT_BYTES = 32;

/**
 * Keys are known by a salted SHA-256 alone. A presented key is hashed first, so how long the look-up takes depends on
 * bytes that a caller can neither choose nor learn from, and costs the same for one caller or a thousand; the whole digest
 * is then compared in constant time.
 */
export async function createAuthenticator(
  callers: ReadonlyMap<string, CallerCredentials>,
  deps: { hashText: HashText; ids: Ids },
): Promise<Authenticate> {
  const salt = hex(deps.ids.random(SALT_BYTES));
  const digestOf = (key: string) => deps.hashText(salt + key);

  const byKey = new Map<string, { digest: string; caller: Known }>();
  const byCertificate = new Map<string, Known>();
  for (const [name, { apikeys, client_certificates, serverids }] of callers) {
    const pins = client_certificates.map(pinOf);
    const caller = {
      name,
      serverids: serverids === undefined ? undefined : new Set(serverids),
      pins: pins.length === 0 ? undefined : new Set(pins),
    };
    for (const apikey of apikeys) {
      const digest = await digestOf(apikey.reveal());
      byKey.set(bucketOf(digest), { digest, caller });
    }
    if (apikeys.length === 0) for (const pin of pins) byCertificate.set(pin, caller);
  }

  function callerOfDigest(digest: string, header: string): Known {
    const candidate = byKey.get(bucketOf(digest));
    if (candidate === undefined || !equal(candidate.digest, digest)) {
      throw unauthenticated("the API key of the call is none that this proxy knows", header);
    }
    return candidate.caller;
  }

  function callerOfCertificate(certificate: ClientCertificate | undefined, header: string): Known {
    if (byCertificate.size === 0) throw unauthenticated("the call carries no API key", header);
    for (const pin of pinsOf(certificate)) {
      const caller = byCertificate.get(pin);
      if (caller !== undefined) return caller;
    }
    throw unauthenticated("the call carries neither an API key nor a client certificate that this proxy knows", header);
  }

  return async (headers, certificate, header) => {
    const key = presentedKey(headers.get(header), header);
    // A key that is there counts: a wrong one is not made good by a certificate.
    const caller =
      key === undefined ? callerOfCertificate(certificate, header) : callerOfDigest(await digestOf(key), header);
    if (caller.pins !== undefined && !pinsOf(certificate).some((pin) => caller.pins?.has(pin))) {
      throw unauthenticated(
        "the call comes without the client certificate that its caller needs beside the API key",
        header,
      );
    }
    return caller;
  };
}

/** A caller with the certificates of which it needs one; undefined means none. */
type Known = AuthenticatedCaller & { pins: ReadonlySet<string> | undefined };

/** Both kinds of pins in one map: a fingerprint can be no name, since the prefix tells them apart. */
function pinOf(pin: ClientCertificatePin): string {
  return "sha256" in pin ? `sha256:${pin.sha256}` : `dns:${pin.san_dns}`;
}

function pinsOf(certificate: ClientCertificate | undefined): string[] {
  if (certificate === undefined) return [];
  return [`sha256:${certificate.sha256}`, ...certificate.dnsNames.map((name) => `dns:${name}`)];
}

/** What is no proper Bearer is a key that nobody has. */
function presentedKey(value: string | null, header: string): string | undefined {
  if (value === null) return undefined;
  return header === "authorization" ? (/^bearer +(\S+)$/i.exec(value)?.[1] ?? "") : value;
}

/** RFC 9110 §15.5.2 asks for a challenge beside every 401; no scheme is registered for a key in a header of its own. */
function unauthenticated(message: string, header: string): TokenProxyError {
  const scheme = header === "authorization" ? "Bearer" : header;
  return new TokenProxyError("caller_unauthenticated", message, { challenge: `${scheme} realm="getToken"` });
}

/** 64 bits of a digest as a key of a Map: collisions of two known keys are out of reach, and only cost a refusal. */
function bucketOf(digest: string): string {
  return digest.slice(0, 16);
}

/** Constant-time comparison of two digests of the same length. */
function equal(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
