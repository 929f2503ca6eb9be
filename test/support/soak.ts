// Many users at once: each response is compared with what the provider said to that very call.

import { Pool } from "undici";
import { listen } from "../../src/node/inbound/listener.ts";
import { type Answered, APIKEY } from "./call.ts";
import { fileConfig, SECRETS } from "./config.ts";
import { expectError, type TableCode } from "./expect-error.ts";
import { type Host, type Runtime, startHost } from "./host.ts";
import { NEXTAUTH_APIKEY, nextauthConfig, SERVERID } from "./nextauth-server.ts";
import {
  KINDS,
  type Kind,
  randomFrom,
  type Said,
  type SoakProvider,
  startSoakProvider,
  userOf,
} from "./soak-provider.ts";
import { createVirtualServers } from "./stand-in.ts";

/** Of the provider, for the proxy. */
const TIMEOUT_MS = 3_000;
/** One in so many calls names its user only by the session. */
const VERIFIED_ONE_IN = 5;
const MAX_SESSION_DELAY_MS = 20;

export interface Soak {
  provider: SoakProvider;
  host: Host;
  /** Sends one call of a user. */
  call(user: number, callId: string, verified: boolean): Promise<Answered>;
  close(): Promise<void>;
}

/** A proxy with two bindings: one trusts the caller, one takes the user only from the session. */
export async function startSoak(users: number, runtime: Runtime, seed: number): Promise<Soak> {
  const provider = await startSoakProvider(seed, TIMEOUT_MS + 300);
  const standIn = createVirtualServers({ [SERVERID]: { apikey: NEXTAUTH_APIKEY } });
  const nonces = Array.from({ length: users }, (_, user) =>
    standIn.login(SERVERID, { userid: `user-${user}`, accountid: user }),
  );
  const random = randomFrom(seed + 1);
  const nextauth = await listen(
    async (request) => {
      await new Promise((done) => setTimeout(done, random() * MAX_SESSION_DELAY_MS));
      return standIn.fetch(request);
    },
    { host: "127.0.0.1", port: 0 },
    "the stand-in",
  );
  const values = {
    serverid: ["body:/serverid"],
    userid: ["body:/userid"],
    nonce: ["header:X-nonce"],
    callid: ["body:/callid"],
  };
  const file = fileConfig(provider.tokenEndpoint, {
    provider: { timeout: `${TIMEOUT_MS}ms`, params: { userid: "{{userid}}", callid: "{{callid}}" } },
    file: {
      get_token: [
        { path: "/trusted", values, session: "trust" },
        { path: "/verified", values, session: "verify" },
      ],
      nextauth: nextauthConfig(nextauth),
    },
  });
  const host = await startHost(file, { ...SECRETS, NEXTAUTH_APIKEY }, { runtime });
  const pool = new Pool(host.url, { connections: users, pipelining: 1 });

  return {
    provider,
    host,
    async call(user, callId, verified) {
      const body = { serverid: SERVERID, callid: callId, ...(verified ? {} : { userid: `user-${user}` }) };
      const answer = await pool.request({
        method: "POST",
        path: verified ? "/verified" : "/trusted",
        headers: { "x-apikey": APIKEY, "x-nonce": nonces[user] as string, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      const bytes = Buffer.from(await answer.body.arrayBuffer());
      const text = bytes.toString("utf8");
      const { statusCode: status, headers } = answer;
      return { status, headers, rawHeaders: [], body: bytes, text, json: () => JSON.parse(text) };
    },
    async close() {
      await pool.close();
      await host.close();
      await nextauth.close(0);
      await provider.close();
    },
  };
}

/** The error_code for each fault. Any call may also be too late. */
const CODES: Partial<Record<Kind, TableCode>> = {
  "500": "provider_error",
  reset: "provider_unreachable",
  truncated: "provider_truncated",
  slow: "provider_timeout",
};
const BUSY: readonly string[] = ["provider_timeout", "session_check_timeout", "provider_suspended", "overloaded"];

/** `relayed`, an error_code, or what must never be. */
export type Verdict = "relayed" | "wrong user" | "wrong bytes" | "wrong error" | TableCode;

/**
 * @param said what the provider said to this call; undefined where it was not asked
 * @throws where an error is no row of the table
 */
export function judge(callId: string, said: Said | undefined, answer: Answered): Verdict {
  for (const [, user] of answer.text.matchAll(/user-(\d+)/g)) {
    if (`user-${user}` !== userOf(callId)) return "wrong user";
  }
  if (answer.status < 500) {
    // A 200 that carries an error is a 403 for the caller.
    const status = said?.kind === "200 with error" ? 403 : said?.status;
    return said !== undefined && answer.status === status && answer.body.equals(said.bytes) ? "relayed" : "wrong bytes";
  }
  const { error_code: code } = answer.json() as { error_code: TableCode };
  const expected = CODES[said?.kind ?? "token"];
  expectError(answer, code);
  return code === expected || BUSY.includes(code) ? code : "wrong error";
}

export interface Tally {
  calls: number;
  verified: number;
  /** How often the provider did what. */
  kinds: Record<Kind, number>;
  verdicts: Partial<Record<Verdict, number>>;
  /** Answers that came under the request id of another one. */
  repeatedIds: number;
  /** Milliseconds of the calls that got a token on the caller's word, sorted. */
  times: number[];
  /** Milliseconds that the provider took for these on purpose, on average. */
  delay: number;
}

/** Every user has one call under way at any time, until there were so many. */
export async function runSoak(soak: Soak, users: number, calls: number, seed: number): Promise<Tally> {
  const { said } = soak.provider;
  const random = randomFrom(seed + 2);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Tally["kinds"];
  const tally: Tally = { calls: 0, verified: 0, kinds, verdicts: {}, repeatedIds: 0, times: [], delay: 0 };
  const ids = new Set<unknown>();
  let begun = 0;
  let delays = 0;

  async function user(number: number): Promise<void> {
    while (begun < calls) {
      begun += 1;
      const callId = `user-${number}.${begun}`;
      const verified = random() * VERIFIED_ONE_IN < 1;
      const started = performance.now();
      const answer = await soak.call(number, callId, verified);
      const took = performance.now() - started;
      const spoken = said.get(callId);
      const verdict = judge(callId, spoken, answer);
      tally.calls += 1;
      if (verified) tally.verified += 1;
      tally.verdicts[verdict] = (tally.verdicts[verdict] ?? 0) + 1;
      ids.add(answer.headers["x-request-id"]);
      if (spoken === undefined) continue;
      kinds[spoken.kind] += 1;
      spoken.bytes = Buffer.alloc(0); // the entry stays, to detect a second request
      if (verified || verdict !== "relayed" || spoken.kind !== "token") continue;
      tally.times.push(took);
      delays += spoken.delay;
    }
  }
  await Promise.all(Array.from({ length: users }, (_, number) => user(number)));
  tally.repeatedIds = tally.calls - ids.size;
  tally.times.sort((a, b) => a - b);
  tally.delay = delays / tally.times.length;
  return tally;
}

/** The verdicts that must not be, with their counts. */
export function wrong(verdicts: Tally["verdicts"]): [string, number][] {
  return Object.entries(verdicts).filter(([verdict]) => verdict.startsWith("wrong "));
}

/** The tally in one line for the output of the tests. */
export function describeTally({ calls, verified, kinds, verdicts, times, delay }: Tally): string {
  const { token, ...faults } = kinds;
  const mismatches = wrong(verdicts).reduce((sum, [, count]) => sum + count, 0);
  const ratio = (share: number) => ((times[Math.floor(times.length * share)] ?? 0) / delay).toFixed(1);
  return (
    `${calls} calls (${verified} with a session check), ${mismatches} mismatches; faults ${JSON.stringify(faults)}; ` +
    `answers ${JSON.stringify(verdicts)}; p50 ${ratio(0.5)}, p99 ${ratio(0.99)} x the provider's mean delay`
  );
}
