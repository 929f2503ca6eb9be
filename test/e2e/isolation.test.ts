// 200 users at once, with faults and answers out of order: nobody gets an answer of another call.
// SOAK=1 makes it long.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RUNTIME } from "../support/host.ts";
import { describeTally, judge, runSoak, type Soak, startSoak, wrong } from "../support/soak.ts";

const USERS = 200;
const SEED = 20_261_124;
const CALLS = process.env.SOAK !== "1" ? 2_000 : RUNTIME === "node" ? 100_000 : 20_000;
/**
 * Share of the provider's answers that must arrive, so that enough is compared. A busy machine
 * loses some to timeouts.
 */
const LEAST_RELAYED = 0.5;

describe(`${USERS} users at once`, () => {
  let soak: Soak;
  beforeAll(async () => {
    soak = await startSoak(USERS, RUNTIME, SEED);
  });
  afterAll(async () => {
    await soak?.close();
  });

  it("would be noticed with two answers swapped, or one byte changed", async () => {
    soak.provider.calm = true;
    const ids = ["user-1.control", "user-2.control"] as const;
    const answers = await Promise.all([soak.call(1, ids[0], "chained"), soak.call(2, ids[1], "verified")]);
    const said = ids.map((id) => soak.provider.said.get(id));
    expect(ids.map((id, i) => judge(id, said[i], answers[i] as never))).toEqual(["relayed", "relayed"]);
    expect(ids.map((id, i) => judge(id, said[i], answers[1 - i] as never))).toEqual(["wrong user", "wrong user"]);
    const [answer] = answers;
    const body = Buffer.from(answer.body);
    body[body.length - 1] = 0x20; // instead of the line break
    expect(judge(ids[0], said[0], { ...answer, body, text: body.toString() })).toBe("wrong bytes");
    const otherCall = await soak.call(1, "user-1.other", "trusted");
    expect(judge(ids[0], said[0], otherCall)).toBe("wrong bytes");
  });

  it("each get their own token, byte for byte, or an error of the table", async () => {
    soak.provider.calm = false;
    const tally = await runSoak(soak, USERS, CALLS, SEED);
    console.log(`isolation on ${RUNTIME}: ${describeTally(tally)}`);
    const { verdicts, kinds } = tally;
    expect(wrong(verdicts)).toEqual([]);
    expect(soak.provider.wrongRequests).toEqual([]);
    expect(tally.repeatedIds).toBe(0);
    expect(tally.calls).toBe(CALLS);
    expect(tally.chained).toBeGreaterThan(CALLS / 5);
    // Kept tokens end all the time; how many depends on how long the calls take.
    expect(soak.provider.brokerRequests).toBeGreaterThan(CALLS / 1_000);
    if (RUNTIME === "node") expect(soak.provider.brokerRequests).toBeLessThan(tally.chained / 2);
    for (const [kind, count] of Object.entries(kinds)) expect(count, kind).toBeGreaterThan(0);
    const answered = kinds.token + kinds["200 with error"] + kinds.invalid_grant;
    expect((verdicts.relayed ?? 0) / answered).toBeGreaterThan(LEAST_RELAYED);
  });
});
