// Cases as data: what one setting or user must lead to. Each case is a provider of its own in one
// file, so that one proxy serves all of them.

import { beforeAll, describe, expect, it } from "vitest";
import type { Answered } from "../support/call.ts";
import { expectProviderError, type TableCode } from "../support/expect-error.ts";
import type { File, ProviderProxy, Settings } from "./proxy.ts";

export interface Case {
  name: string;
  /** Changes to the provider of the example; null removes a key of it. */
  provider?: Settings;
  userid?: string;
  headers?: Record<string, string>;
  /** A token, a refusal that is relayed as it came, or an error_code (design.md, section 8). */
  expected: Outcome;
}

export type Outcome = "token" | "refused" | TableCode;

/** @param file with one provider, which each case changes */
export function withCases(file: File, cases: readonly Case[]): File {
  const [base] = Object.values(file.providers) as [Settings];
  const names = cases.map((_, index) => `case_${index}`);
  const providers = Object.fromEntries(cases.map(({ provider = {} }, index) => [names[index], change(base, provider)]));
  const routes = names.map((provider) => ({ serverid: provider, provider }));
  return { ...file, providers, routes };
}

/** Changes a provider of a file. Within its keys, objects are merged; null removes a whole key. */
function change(base: Settings, changes: Settings): Settings {
  return Object.fromEntries(Object.entries(merge(base, changes)).filter(([, value]) => value !== null));
}

export function merge(base: Settings, changes: Settings): Settings {
  const merged = Object.entries(changes).map(([key, value]) => {
    const isBoth = isObject(value) && isObject(base[key]);
    return [key, isBoth ? merge(base[key] as Settings, value as Settings) : value];
  });
  return { ...base, ...Object.fromEntries(merged) };
}

const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);

/** One test for each case, against the file of an example as it is locally. */
export function testCases(what: string, proxy: () => ProviderProxy, example: string, cases: readonly Case[]): void {
  describe(what, () => {
    beforeAll(async () => {
      const local = JSON.parse(proxy().local(JSON.stringify(cases)));
      await proxy().start(withCases(proxy().file(example), local));
    });
    it.each(cases.map((each, index) => ({ ...each, index })))("$name: $expected", async (each) => {
      await assertCase(proxy(), each, each.index);
    });
  });
}

/** Makes the call of a case, and compares the response with what the case expects. */
export async function assertCase(proxy: ProviderProxy, { userid, headers = {}, expected }: Case, index: number) {
  const answer = await proxy.call(userid, { serverid: `case_${index}`, headers });
  assertOutcome(answer, expected, `case_${index}`);
}

function assertOutcome(answer: Answered, expected: Outcome, provider: string): void {
  const text = `${answer.status} ${answer.text}`;
  if (expected === "token") expect(text).toMatch(/^200 .*"access_token"/s);
  else if (expected === "refused") expect(text).toMatch(/^40[013] (?!.*"error_code")/s);
  else {
    expect(text).toContain(`"error_code":"${expected}"`);
    expectProviderError(answer, expected, `providers.${provider}`);
  }
}
