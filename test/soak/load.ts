// The users of the soak: each has one call at a time, and compares each response with what the
// providers said in that call.

import { Pool } from "undici";
import { ERROR_TABLE, type ErrorCode } from "../../src/core/errors.ts";
import { APIKEY } from "../support/call.ts";
import type { Random } from "../support/shifting-peer.ts";
import type { Peers } from "./peers.ts";
import { SERVERIDS } from "./proxy.ts";

export interface Counts {
  calls: number;
  tokens: number;
  /** Errors of the table. */
  refused: number;
  wrong: number;
  /** `token`, or the error_code. */
  outcomes: Record<string, number>;
}

export interface Findings extends Counts {
  seconds: number;
  reloads: number;
  /** Responses that a peer sent twice. */
  duplicates: number;
  memory_mib_per_minute: number[];
}

export function describe({ calls, tokens, refused, wrong, seconds, reloads, duplicates, ...rest }: Findings): string {
  const rate = Math.round(calls / Math.max(seconds, 1));
  const memory = rest.memory_mib_per_minute.at(-1) ?? 0;
  const told = `${tokens} tokens, ${refused} refused, ${wrong} wrong`;
  return `${calls} calls in ${seconds} s (${rate}/s): ${told}; ${duplicates} sent twice, ${reloads} reloads, ${memory} MiB`;
}

/** A response with a wrong byte, or for another user. */
export class MixUp extends Error {}

export function startLoad(url: string, peers: Peers, options: { calls: number; users: number; random: Random }) {
  const { calls, users, random } = options;
  const pool = new Pool(url, { connections: users, pipelining: 1 });
  const counts: Counts = { calls: 0, tokens: 0, refused: 0, wrong: 0, outcomes: {} };
  let begun = 0;
  let isStopped = false;

  function request(user: number) {
    const nonce = peers.nonces[user] as string;
    if (random() < 0.3) {
      const body = new URLSearchParams({ grant_type: "authorization_code", code: nonce, client_id: "app" }).toString();
      return { path: "/token", headers: { "content-type": "application/x-www-form-urlencoded" }, body };
    }
    const serverid = SERVERIDS[random() < 0.5 ? 0 : 1];
    // Half of the calls say who the user is; for the others only the session does.
    const body = JSON.stringify({ serverid, ...(random() < 0.5 ? { userid: `user-${user}` } : {}) });
    const headers = { "x-apikey": APIKEY, "x-nonce": nonce, "content-type": "application/json" };
    return { path: "/getToken", headers, body };
  }

  async function call(user: number): Promise<void> {
    const name = `user-${user}`;
    peers.said.delete(name);
    const { statusCode, body } = await pool.request({ method: "POST", ...request(user) });
    const bytes = Buffer.from(await body.arrayBuffer());
    counts.calls += 1;
    const outcome = judge(statusCode, bytes, peers.said.get(name) ?? []);
    counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
    if (outcome === "token") counts.tokens += 1;
    else if (outcome !== "wrong") counts.refused += 1;
    const [wrongRequest] = peers.wrongRequests;
    if (outcome !== "wrong" && wrongRequest === undefined) return;
    counts.wrong += 1;
    throw new MixUp(wrongRequest ?? `${name} got status ${statusCode} and ${bytes.toString().slice(0, 200)}`);
  }

  async function callAgainAndAgain(user: number): Promise<void> {
    while (begun < calls && counts.wrong === 0 && !isStopped) {
      begun += 1;
      await call(user);
    }
  }

  const done = Promise.all(Array.from({ length: users }, (_, user) => callAgainAndAgain(user))).finally(() =>
    pool.destroy(),
  );
  done.catch(() => {}); // it may fail before anyone waits for it
  const stop = () => {
    isStopped = true;
  };
  return { counts: () => counts, done, stop };
}

function judge(status: number, bytes: Buffer, said: Buffer[]): string {
  if (status === 200) return said.some((one) => one.equals(bytes)) ? "token" : "wrong";
  try {
    const { error_code } = JSON.parse(bytes.toString()) as { error_code: ErrorCode };
    // What a fault of a peer may lead to; anything else would be a fault of this proxy.
    const isExpected = error_code === "session_mismatch" || status >= 500;
    return isExpected && error_code !== "internal" && ERROR_TABLE[error_code][0] === status ? error_code : "wrong";
  } catch {
    return "wrong";
  }
}
