// The next credential gets one try if the provider rejects the client, and only then.

import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { createRotation } from "../../src/oauth/rotation.ts";

const rejected = (provider_error: string) =>
  new TokenProxyError("provider_rejected_proxy", "m", { detail: { provider_status: 400, provider_error } });
const CLIENT_REJECTED = rejected("invalid_client");

/** Runs one call per list. The list has the error of each credential, or undefined if it works. */
async function run(...calls: (Error | undefined)[][]) {
  const rotate = createRotation(calls[0]?.length ?? 0, (from, to) => tried.push(`${from}->${to}`));
  const tried: (number | string)[] = [];
  for (const errors of calls) {
    const use = async (credential: number) => {
      tried.push(credential);
      if (errors[credential] !== undefined) throw errors[credential];
    };
    await rotate(use).catch(() => {});
  }
  return tried;
}

it("tries the next credential once if the client is rejected, and keeps the one that works", async () => {
  const onlySecond = [CLIENT_REJECTED, undefined];
  expect(await run(onlySecond, onlySecond)).toEqual([0, "0->1", 1, 1]);
  expect(await run(onlySecond, [undefined, CLIENT_REJECTED])).toEqual([0, "0->1", 1, 1, "1->0", 0]);
});

it("keeps the first credential if the next one is rejected too", async () => {
  const both = [CLIENT_REJECTED, CLIENT_REJECTED];
  expect(await run(both, both)).toEqual([0, "0->1", 1, 0, "0->1", 1]);
});

it("keeps the next credential if only something else was refused with it", async () => {
  const accepted = [CLIENT_REJECTED, rejected("unauthorized_client")];
  expect(await run(accepted, accepted)).toEqual([0, "0->1", 1, 1]);
});

it.each([rejected("invalid_scope"), new TokenProxyError("provider_timeout", "m"), new TypeError("a bug")])(
  "does not try the next credential after another error: %s",
  async (error) => {
    expect(await run([error, undefined])).toEqual([0]);
  },
);
