// Authenticates who calls getToken, by the key in X-apikey as on the nextAuth Server's own REST API.

import type { CallerCredentials } from "../config/credentials.ts";
import { TokenProxyError } from "../errors.ts";
import type { Ids, Sha256 } from "../ports.ts";

const APIKEY_HEADER = "x-apikey";

/** A caller that has proved who it is. */
export interface AuthenticatedCaller {
  name: string;
  /** The virtual servers it may speak for; undefined means all. */
  serverids: ReadonlySet<string> | undefined;
}

/** @throws {TokenProxyError} caller_unauthenticated */
export type Authenticate = (headers: Headers) => Promise<AuthenticatedCaller>;

/** Fresh for every process: without it nobody can prepare keys whose digests begin alike. */
const SALT_BYTES = 32;

/**
 * Keys are known by a salted SHA-256 alone. A presented key is hashed first, so how long the look-up takes depends on
 * bytes that a caller can neither choose nor learn from, and costs the same for one caller or a thousand; the whole digest
 * is then compared in constant time.
 */
export async function createAuthenticator(
  callers: ReadonlyMap<string, CallerCredentials>,
  deps: { sha256: Sha256; ids: Ids },
): Promise<Authenticate> {
  const salt = deps.ids.random(SALT_BYTES);
  const encoder = new TextEncoder();
  const digestOf = (key: string): Uint8Array | Promise<Uint8Array> => {
    const bytes = encoder.encode(key);
    const salted = new Uint8Array(salt.length + bytes.length);
    salted.set(salt);
    salted.set(bytes, salt.length);
    return deps.sha256(salted);
  };

  const known = new Map<string, { digest: Uint8Array; caller: AuthenticatedCaller }>();
  for (const [name, { apikeys, serverids }] of callers) {
    const caller = { name, serverids: serverids === undefined ? undefined : new Set(serverids) };
    for (const apikey of apikeys) {
      const digest = await digestOf(apikey.reveal());
      known.set(bucketOf(digest), { digest, caller });
    }
  }

  return async (headers) => {
    const key = headers.get(APIKEY_HEADER);
    if (key === null) throw unauthenticated("the call carries no X-apikey");
    const digest = await digestOf(key);
    const candidate = known.get(bucketOf(digest));
    if (candidate === undefined || !equal(candidate.digest, digest)) {
      throw unauthenticated("the X-apikey of the call is none that this proxy knows");
    }
    return candidate.caller;
  };
}

function unauthenticated(message: string): TokenProxyError {
  return new TokenProxyError("caller_unauthenticated", message);
}

/** 64 bits of a digest as a key of a Map: collisions of two known keys are out of reach, and only cost a refusal. */
function bucketOf(digest: Uint8Array): string {
  return String.fromCharCode(...digest.subarray(0, 8));
}

/** Constant-time comparison of two digests of the same length. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] as number) ^ (b[i] as number);
  return difference === 0;
}
