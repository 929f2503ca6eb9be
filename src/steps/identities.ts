// What the log says of whom a call is about: enough to find the calls of one user or session, and nothing that tells who it is.

import { hex } from "../core/hex.ts";
import type { HashText, Ids } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { CallRecord } from "../get-token.ts";

/** `hash`: a keyed hash. `plain`: the userid itself. A nonce is a credential, and is never written but as a hash. */
export type IdentityMode = "hash" | "plain";

export interface LoggedIdentities {
  user: string | undefined;
  session: string | undefined;
}

export type DescribeIdentities = (record: CallRecord) => LoggedIdentities | Promise<LoggedIdentities>;

const KEY_BYTES = 32;
/** 64 bits of a hash: users do not fall together, and no more is given away than needed. */
const SHOWN_DIGITS = 16;

/** @param key so that hashes are the same in all processes and after a reload; without one, these have a key of their own */
export function createIdentities(
  mode: IdentityMode,
  key: Secret | undefined,
  { hashText, ids }: { hashText: HashText; ids: Ids },
): DescribeIdentities {
  const keyText = key === undefined ? hex(ids.random(KEY_BYTES)) : key.reveal();

  /** The kind is hashed too, so that a nonce that is somebody's userid does not look like it. */
  const hashOf = (kind: string, text: string) => hashText(`${keyText}${kind}\n${text}`);
  const shown = (hash: string | undefined) => hash?.slice(0, SHOWN_DIGITS);

  return ({ userid, nonce }) => {
    const user = userid === undefined || mode === "plain" ? undefined : hashOf("userid", userid);
    const session = nonce === undefined ? undefined : hashOf("nonce", nonce);
    const plain = mode === "plain" ? userid?.slice(0, MAX_SHOWN).replaceAll(UNSEEN, escaped) : undefined;
    // Without a promise where the host hashes without one.
    return isPromise(user) || isPromise(session)
      ? Promise.all([user, session]).then((all) => ({ user: plain ?? shown(all[0]), session: shown(all[1]) }))
      : { user: plain ?? shown(user), session: shown(session) };
  };
}

/** Of a plain userid, so that a line is short enough for a pipe to take whole. */
const MAX_SHOWN = 200;

/** What is not seen, and may change how the rest of a line is: marks of direction, spaces of no width, line separators. */
const UNSEEN = /[\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) as number).toString(16)}}`;
}

function isPromise(value: string | Promise<string> | undefined): value is Promise<string> {
  return typeof value === "object";
}
