// What the log says of whom a call is about: enough to find the calls of one user or session, and nothing that tells who it is.

import type { CallRecord } from "../get-token.ts";
import { hex } from "../hex.ts";
import type { Ids, Sha256 } from "../ports.ts";
import type { Secret } from "../secret.ts";

/** `hash`: a keyed hash. `plain`: the userid itself. A nonce is a credential, and is never written but as a hash. */
export type IdentityMode = "hash" | "plain";

export interface LoggedIdentities {
  user?: string;
  session?: string;
}

export type DescribeIdentities = (record: CallRecord) => Promise<LoggedIdentities>;

const KEY_BYTES = 32;
/** 64 bits of a hash: users do not fall together, and no more is given away than needed. */
const SHOWN_BYTES = 8;

/** @param key so that hashes are the same in all processes and after a reload; without one, these have a key of their own */
export function createIdentities(
  mode: IdentityMode,
  key: Secret | undefined,
  { sha256, ids }: { sha256: Sha256; ids: Ids },
): DescribeIdentities {
  const encoder = new TextEncoder();
  const keyBytes = key === undefined ? ids.random(KEY_BYTES) : encoder.encode(key.reveal());

  /** The kind is hashed too, so that a nonce that is somebody's userid does not look like it. */
  async function hashOf(kind: string, text: string): Promise<string> {
    const bytes = encoder.encode(`${kind}\n${text}`);
    const keyed = new Uint8Array(keyBytes.length + bytes.length);
    keyed.set(keyBytes);
    keyed.set(bytes, keyBytes.length);
    return hex((await sha256(keyed)).subarray(0, SHOWN_BYTES));
  }

  return async ({ userid, nonce }) => ({
    ...(userid === undefined ? {} : { user: mode === "plain" ? userid : await hashOf("userid", userid) }),
    ...(nonce === undefined ? {} : { session: await hashOf("nonce", nonce) }),
  });
}
