// How the log names a user: by default with a hash, which only shows whose calls belong together.

import type { Config } from "../config/parse.ts";
import { hex } from "../core/hex.ts";
import { escapeInvisible } from "../core/invisible.ts";
import type { Runtime } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { CallFacts } from "../core/trace.ts";

export type LoggedIdentities = { user: string | undefined; session: string | undefined };

export type DescribeIdentities = (facts: CallFacts) => Promise<LoggedIdentities>;

/** 64 bits of a hash keep users apart and reveal no more than needed. */
const SHOWN_DIGITS = 16;
/** Longer plain userids are cut, so that log lines stay short. */
const MAX_SHOWN_CHARS = 200;

/** @param key keeps hashes the same in all instances and after a restart; random by default */
export function createIdentities(
  mode: Config["log"]["identities"],
  key: Secret | undefined,
  { hashText, ids }: Pick<Runtime, "hashText" | "ids">,
): DescribeIdentities {
  const keyText = key === undefined ? hex(ids.random(32)) : key.reveal();
  /** The kind is part of the hash, so that a nonce that equals a userid has another hash. */
  const hashOf = async (kind: string, text: string | undefined) =>
    text === undefined ? undefined : (await hashText(`${keyText}${kind}\n${text}`)).slice(0, SHOWN_DIGITS);
  const plain = (userid: string | undefined) => userid && escapeInvisible(userid.slice(0, MAX_SHOWN_CHARS));

  return async ({ userid, nonce }) => ({
    user: mode === "plain" ? plain(userid) : await hashOf("userid", userid),
    session: await hashOf("nonce", nonce), // a credential, so never plain
  });
}
