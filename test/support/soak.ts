// Many users at once: each response is compared with what the provider sent for that call.

import { Pool } from "undici";
import { listen } from "../../src/node/inbound/listener.ts";
import { type Answered, APIKEY } from "./call.ts";
import { fileConfig, providerConfig, SECRETS } from "./config.ts";
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

/** The proxy's timeout for the provider. */
const TIMEOUT_MS = 3_000;
/** The shares of calls whose user only the session names, and of those with chained requests. */
const VERIFIED = 0.2;
const CHAINED = 0.3;
/** This share of the chained calls has a second call beside it, whose caller hangs up. */
const HANG_UP = 0.2;
const MAX_HANG_UP_MS = 60;
const MAX_SESSION_DELAY_MS = 20;

export interface Soak {
  provider: SoakProvider;
  host: Host;
  /** Sends one call of a user. */
  call(user: number, callId: string, how: How, signal?: AbortSignal): Promise<Answered>;
  close(): Promise<void>;
}

/** Which binding: one trusts the caller, the others take the user only from the session. */
export type How = "trusted" | "verified" | "chained";

/** A proxy with a binding for each. Chained requests contain the user's token and one for all. */
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
  const settings = { timeout: `${TIMEOUT_MS}ms`, params: { userid: "{{userid}}", callid: "{{callid}}" } };
  const tokens = { subject_token: "{{token.home}}", actor_token: "{{token.broker}}" };
  const file = fileConfig("", {
    file: {
      get_token: [
        { path: "/trusted", values, session: "trust", provider: "main" },
        { path: "/verified", values, session: "verify", provider: "main" },
        { path: "/chained", values, session: "verify", provider: "chained" },
      ],
      providers: {
        main: providerConfig(provider.tokenEndpoint, settings),
        home: providerConfig(provider.homeEndpoint, settings),
        broker: providerConfig(provider.brokerEndpoint, { grant_type: "client_credentials", params: {}, cache: true }),
        chained: providerConfig(provider.tokenEndpoint, { ...settings, params: { ...settings.params, ...tokens } }),
      },
      nextauth: nextauthConfig(nextauth),
    },
  });
  const host = await startHost(file, { ...SECRETS, NEXTAUTH_APIKEY }, { runtime });
  const pool = new Pool(host.url, { connections: users, pipelining: 1 });

  return {
    provider,
    host,
    async call(user, callId, how, signal) {
      const named = how === "trusted" ? { userid: `user-${user}` } : {};
      const body = { serverid: SERVERID, callid: callId, ...named };
      const answer = await pool.request({
        method: "POST",
        path: `/${how}`,
        ...(signal ? { signal } : {}),
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

/** The error for each fault. On a busy machine, any call may also end with one of BUSY. */
const CODES: Partial<Record<Kind, TableCode>> = {
  "500": "provider_error",
  reset: "provider_unreachable",
  truncated: "provider_truncated",
  slow: "provider_timeout",
};
const BUSY: readonly string[] = ["provider_timeout", "session_check_timeout", "provider_suspended", "overloaded"];

/** `relayed` or an error_code; "wrong …" must never happen. */
export type Verdict = "relayed" | "wrong user" | "wrong bytes" | "wrong error" | TableCode;

/**
 * @param said what the provider sent for this call; undefined if it was not asked
 * @throws if an error is not a row of the error table
 */
export function judge(callId: string, said: Said | undefined, answer: Answered): Verdict {
  for (const [, user] of answer.text.matchAll(/user-(\d+)/g)) {
    if (`user-${user}` !== userOf(callId)) return "wrong user";
  }
  if (answer.status < 500) {
    // The caller gets a 200 with an error as a 403.
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
  chained: number;
  /** How often the provider did what. */
  kinds: Record<Kind, number>;
  verdicts: Partial<Record<Verdict, number>>;
  /** Responses with the request id of another one. */
  repeatedIds: number;
}

/** Each user always has one call in flight, until there were `calls`. */
export async function runSoak(soak: Soak, users: number, calls: number, seed: number): Promise<Tally> {
  const { said } = soak.provider;
  const random = randomFrom(seed + 2);
  const kinds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Tally["kinds"];
  const tally: Tally = { calls: 0, verified: 0, chained: 0, kinds, verdicts: {}, repeatedIds: 0 };
  const ids = new Set<unknown>();
  let begun = 0;

  async function user(number: number): Promise<void> {
    while (begun < calls) {
      begun += 1;
      const callId = `user-${number}.${begun}`;
      const chance = random();
      const how = chance < VERIFIED ? "verified" : chance < VERIFIED + CHAINED ? "chained" : "trusted";
      const isBeside = how === "chained" && random() < HANG_UP;
      const beside = isBeside ? hangUp(soak, number, `${callId}.beside`, random() * MAX_HANG_UP_MS) : undefined;
      const answer = await soak.call(number, callId, how);
      await beside;
      const spoken = said.get(callId);
      const verdict = judge(callId, spoken, answer);
      tally.calls += 1;
      if (how !== "trusted") tally[how] += 1;
      tally.verdicts[verdict] = (tally.verdicts[verdict] ?? 0) + 1;
      ids.add(answer.headers["x-request-id"]);
      if (spoken === undefined) continue;
      kinds[spoken.kind] += 1;
      spoken.bytes = Buffer.alloc(0); // the entry stays, to notice a second token request
    }
  }
  await Promise.all(Array.from({ length: users }, (_, number) => user(number)));
  tally.repeatedIds = tally.calls - ids.size;
  return tally;
}

/** A call whose caller leaves, perhaps early: requests that others wait for must go on. */
async function hangUp(soak: Soak, user: number, callId: string, afterMs: number): Promise<void> {
  await soak.call(user, callId, "chained", AbortSignal.timeout(Math.round(afterMs))).catch(() => {});
}

/** The verdicts that must not happen, with their counts. */
export function wrong(verdicts: Tally["verdicts"]): [string, number][] {
  return Object.entries(verdicts).filter(([verdict]) => verdict.startsWith("wrong "));
}

/** The tally in one line. */
export function describeTally({ calls, verified, chained, kinds, verdicts }: Tally): string {
  const { token, ...faults } = kinds;
  const mismatches = wrong(verdicts).reduce((sum, [, count]) => sum + count, 0);
  return (
    `${calls} calls (${verified} with a session check, ${chained} chained), ${mismatches} mismatches; faults ${JSON.stringify(faults)}; ` +
    `answers ${JSON.stringify(verdicts)}`
  );
}
