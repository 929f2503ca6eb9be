// The soak as tests, for either runtime: nobody gets another user's token, nor other bytes than the provider's.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Runtime } from "./host.ts";
import { describeTally, judge, runSoak, type Soak, startSoak, wrong } from "./soak.ts";

const USERS = 200;
const SEED = 20_261_124;
/** A soak ends long before; a machine that is busy otherwise must not make it fail. */
const LIMIT_MS = 600_000;
/** Of the answers to calls that the provider did nothing to. */
const LEAST_RELAYED = 0.99;

export function describeIsolation(runtime: Runtime, calls: number): void {
  describe(`${USERS} users at once on ${runtime}`, () => {
    let soak: Soak;
    beforeAll(async () => {
      soak = await startSoak(USERS, runtime, SEED);
    });
    afterAll(async () => {
      await soak?.close();
    });

    it("would be found out if two answers were swapped, or one byte were another", async () => {
      soak.provider.calm = true;
      const ids = ["user-1.control", "user-2.control"] as const;
      const answers = await Promise.all([soak.call(1, ids[0], false), soak.call(2, ids[1], true)]);
      const said = ids.map((id) => soak.provider.said.get(id));
      expect(ids.map((id, i) => judge(id, said[i], answers[i] as never))).toEqual(["relayed", "relayed"]);
      expect(ids.map((id, i) => judge(id, said[i], answers[1 - i] as never))).toEqual(["wrong user", "wrong user"]);
      const [answer] = answers;
      const body = Buffer.from(answer.body);
      body[body.length - 1] = 0x20; // the line break at the end
      expect(judge(ids[0], said[0], { ...answer, body, text: body.toString() })).toBe("wrong bytes");
      const otherCall = await soak.call(1, "user-1.other", false);
      expect(judge(ids[0], said[0], otherCall)).toBe("wrong bytes");
    });

    it("get each their own token, byte for byte, or an error of the table", { timeout: LIMIT_MS }, async () => {
      soak.provider.calm = false;
      const tally = await runSoak(soak, USERS, calls, SEED);
      console.log(`isolation on ${runtime}: ${describeTally(tally)}`);
      const { verdicts, kinds } = tally;
      expect(wrong(verdicts)).toEqual([]);
      expect(soak.provider.wrongRequests).toEqual([]);
      expect(tally.repeatedIds).toBe(0);
      expect(tally.calls).toBe(calls);
      for (const [kind, count] of Object.entries(kinds)) expect(count, kind).toBeGreaterThan(0);
      const answered = kinds.token + kinds["200 with error"] + kinds.invalid_grant;
      expect((verdicts.relayed ?? 0) / answered).toBeGreaterThan(LEAST_RELAYED);
    });
  });
}
