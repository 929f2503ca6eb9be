// A client assertion in a file that the platform writes and rotates: read and judged for each use.

import { decodeJwt } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import { readJwt } from "./describe-token.ts";

/** Projected tokens have about 1 KiB. */
const MAX_CHARS = 16_384;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export type AssertionFile = ReturnType<typeof createAssertionFile>;

/** What the last read found; `expires_at` is in milliseconds since the epoch. */
export type AssertionState = { expires_at?: number | undefined; problem?: string };

/** @param readText reads the file, within a limit of time and size */
export function createAssertionFile(readText: () => Promise<string>, aud: string, key: string) {
  let reading: Promise<string> | undefined;
  let state: AssertionState = {};

  function unusable(what: string, detail: { problem?: string; expired_at?: string } = {}): TokenProxyError {
    const problem = `"${key}" ${what}`;
    state = { ...state, problem };
    return new TokenProxyError("client_assertion_unusable", problem, { detail });
  }

  return {
    state: () => state,
    /** The state, for people. */
    describe: () => state.problem ?? `expires ${new Date(state.expires_at ?? 0).toISOString()}`,
    /** @throws {TokenProxyError} client_assertion_unusable */
    async read(now: number): Promise<string> {
      // Calls share a read, so that a mount that hangs holds one thread, not all. Kubernetes
      // deletes the old file when it swaps the link to it, so a read may just miss it.
      reading ??= readText()
        .catch(readText)
        .finally(() => {
          reading = undefined;
        });
      const text = await reading.catch((error: Error) => {
        throw unusable("names a file that cannot be read", { problem: error.message });
      });
      const isJwt = text.length < MAX_CHARS && JWT.test(text) && readJwt(text) !== undefined;
      if (!isJwt) throw unusable("names a file that is not a JWT of less than 16 KiB");
      const claims = decodeJwt(text);
      if (JSON.stringify([claims.aud].flat()) !== JSON.stringify([aud])) {
        throw unusable("names a JWT whose only audience is not the configured aud, so it is not for this provider");
      }
      const end = new Date(Number(claims.exp) * 1_000);
      if (Number.isNaN(end.getTime())) throw unusable("names a JWT without a proper exp");
      state = { expires_at: end.getTime() };
      if (end.getTime() > now) return text;
      const detail = { expired_at: end.toISOString() };
      throw unusable("names a JWT that has expired: the platform has to replace it in time", detail);
    },
  };
}
