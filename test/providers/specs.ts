// What every real server is asked: bytes, many users, an outage.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Answered } from "../support/call.ts";
import type { ProviderProxy } from "./proxy.ts";
import type { Server } from "./server.ts";
import { bodyOf } from "./tee.ts";

const USERS = 100;
const CALLS = 1_000;
const IN_FLIGHT = 8;
const PAUSE_MS = 100;
/** What may happen on a busy machine. Such a call is made again. */
export const BUSY = ["provider_timeout", "provider_suspended", "overloaded", "provider_busy"];
/** Of a restart and of the suspension, on a busy machine. */
const RECOVERY_MS = 60_000;

/** The users that have to exist for `callForManyUsers`. */
export const manyUsers = Array.from({ length: USERS }, (_, number) => `user-${number}`);

/** Calls once, with metadata at hand, and compares the response with the bytes on the wire. */
export async function assertSameBytes(server: Server, call: () => Promise<Answered>): Promise<Answered> {
  await call();
  server.tee.take();
  const answer = await call();
  const sent = server.tee.take();
  expect(`${answer.status} ${answer.text}`).toMatch(/^200 /);
  expect(answer.body).toEqual(bodyOf(sent));
  return answer;
}

/**
 * @param userOf says whose token a response holds
 * @returns what went wrong: responses without a token, and tokens for somebody else
 */
export async function callForManyUsers(
  proxy: ProviderProxy,
  userOf: (answer: Answered) => unknown,
  { busy = BUSY, inFlight = IN_FLIGHT }: { busy?: readonly string[]; inFlight?: number } = {},
): Promise<string[]> {
  const wrong = new Set<string>();
  const tokens = new Set<string>();
  let begun = 0;
  let repeated = 0;
  const untilAnswered = async (userid: string): Promise<Answered> => {
    const answer = await proxy.call(userid);
    if (answer.status === 200 || !busy.includes(String(answer.json().error_code)) || repeated++ > CALLS) return answer;
    await sleep(PAUSE_MS);
    return untilAnswered(userid);
  };
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (begun < CALLS) {
        const userid = manyUsers[begun++ % USERS] as string;
        const answer = await untilAnswered(userid);
        if (answer.status !== 200) wrong.add(answer.text.replace(/"request_id.*/, ""));
        else if ((await userOf(answer)) !== userid) wrong.add(`another user's token for ${userid}`);
        tokens.add(answer.text);
      }
    }),
  );
  if (wrong.size === 0) expect(tokens.size).toBe(CALLS); // no two calls share a token
  return [...wrong];
}

/**
 * Stops the server, and starts it again: no refusal meanwhile, and tokens afterwards.
 * @param meanwhile may change how it is set up
 */
export async function assertSurvivesOutage(server: Server, proxy: ProviderProxy, meanwhile?: () => void) {
  expect((await proxy.call()).status).toBe(200);
  await assertSurvivesStop(server, proxy, meanwhile);
}

/** The same, if something else is broken already that a start repairs. */
export async function assertSurvivesStop(server: Server, proxy: ProviderProxy, meanwhile?: () => void) {
  await server.stop();
  const codes = new Set<unknown>();
  for (let calls = 0; calls < 12; calls++) codes.add((await proxy.call()).json().error_code);
  expect([...codes]).toEqual(["provider_unreachable", "provider_suspended"]);
  meanwhile?.();
  await server.start();
  await expect.poll(async () => (await proxy.call()).status, { timeout: RECOVERY_MS }).toBe(200);
}
