// What every real server is asked: bytes, many users, an outage.

import { expect } from "vitest";
import type { Answered } from "../support/call.ts";
import type { ProviderProxy } from "./proxy.ts";
import type { Server } from "./server.ts";
import { bodyOf } from "./tee.ts";

const USERS = 100;
const CALLS = 1_000;
const IN_FLIGHT = 16;
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
  expect(sent.length).toBeGreaterThan(0);
  expect(answer.body).toEqual(bodyOf(sent));
  return answer;
}

/**
 * @param userOf says whose token a response holds
 * @returns the calls whose response was not a token for their user
 */
export async function callForManyUsers(proxy: ProviderProxy, userOf: (answer: Answered) => unknown): Promise<string[]> {
  const wrong: string[] = [];
  const tokens = new Set<string>();
  let begun = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (begun < CALLS) {
        const userid = manyUsers[begun++ % USERS] as string;
        const answer = await proxy.call(userid);
        if (answer.status === 200) tokens.add(answer.text);
        const user = answer.status === 200 ? await userOf(answer) : answer.text;
        if (user !== userid) wrong.push(`${userid}: ${user}`);
      }
    }),
  );
  expect(tokens.size).toBeGreaterThan(USERS); // no call got the token of another one
  return wrong;
}

/**
 * Stops the server, and starts it again: no refusal meanwhile, and tokens afterwards.
 * @param meanwhile may change how it is set up
 */
export async function assertSurvivesOutage(server: Server, proxy: ProviderProxy, meanwhile?: () => void) {
  expect((await proxy.call()).status).toBe(200);
  await server.stop();
  const codes = new Set<unknown>();
  for (let calls = 0; calls < 12; calls++) codes.add((await proxy.call()).json().error_code);
  expect([...codes]).toEqual(["provider_unreachable", "provider_suspended"]);
  meanwhile?.();
  await server.start();
  await expect.poll(async () => (await proxy.call()).status, { timeout: RECOVERY_MS }).toBe(200);
}
