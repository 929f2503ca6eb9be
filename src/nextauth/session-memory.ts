// Remembers for some seconds that a session was logged in, where the file says so (session_cache).

import type { Clock } from "../core/ports.ts";
import type { LoggedIn } from "./login-status.ts";

/** Sessions held at most; the oldest goes first. An entry is under a kilobyte. */
const MAX_SESSIONS = 10_000;

export interface SessionMemory {
  get(serverid: string, nonce: string): LoggedIn | undefined;
  /** @param asked when getSession was sent (clock.elapsed): from then on the answer ages */
  set(serverid: string, nonce: string, status: LoggedIn, asked: number): void;
}

/**
 * Each session by its own nonce and virtual server, and answers only: never a request that is still under way, which would be
 * another call's.
 */
export function createSessionMemory(lifetime: number, clock: Clock): SessionMemory {
  const sessions = new Map<string, { status: LoggedIn; until: number }>();
  // Neither part can hold a line break (values.ts), so no two sessions have the same key.
  const keyOf = (serverid: string, nonce: string) => `${serverid}\n${nonce}`;

  return {
    get(serverid, nonce) {
      const key = keyOf(serverid, nonce);
      const found = sessions.get(key);
      if (found === undefined) return undefined;
      if (clock.elapsed() < found.until) return found.status;
      sessions.delete(key);
      return undefined;
    },
    set(serverid, nonce, status, asked) {
      const key = keyOf(serverid, nonce);
      sessions.delete(key); // so that it stands at the end, with the youngest
      sessions.set(key, { status, until: asked + lifetime });
      for (const [oldest, { until }] of sessions) {
        if (sessions.size <= MAX_SESSIONS && clock.elapsed() < until) break;
        sessions.delete(oldest);
      }
    },
  };
}
