// Signals that arrive while the service starts.

import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { beforeEach, describe, expect, it } from "vitest";
import { SECRETS } from "../support/config.ts";
import type { Run } from "../support/process.ts";
import { useService } from "../support/service.ts";

const service = useService();
beforeEach(() => service.configure());

/** Waits until the process handles SIGHUP: nothing can be done before Node runs any of our code. */
async function startUntilHandled(): Promise<Run> {
  const run = service.run([], { env: SECRETS });
  const isHandled = () => {
    const status = readFileSync(`/proc/${run.process.pid}/status`, "utf8");
    const caught = BigInt(`0x${/^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
    return ((caught >> BigInt(constants.signals.SIGHUP - 1)) & 1n) === 1n;
  };
  await expect.poll(isHandled, { timeout: 10_000, interval: 1 }).toBe(true);
  return run;
}

describe.skipIf(!existsSync("/proc/self/status"))("during the start", () => {
  it("SIGHUP again and again does not end the process", async () => {
    const run = await startUntilHandled();
    // A bounded number: on a busy machine, a start that is always interrupted makes no progress.
    for (let signals = 0; signals < 20; signals += 1) {
      run.process.kill("SIGHUP");
      await new Promise((done) => setTimeout(done, 5));
    }
    await run.said(/"event":"started"/);
    expect(run.process.exitCode).toBeNull();
  });

  it.each([0, 200])("SIGTERM after %d ms ends the process without an error", async (delay) => {
    const run = await startUntilHandled();
    await new Promise((done) => setTimeout(done, delay));
    run.process.kill("SIGTERM");
    // Null: the signal itself, before our handler is there.
    expect([0, null]).toContain(await run.exit());
    expect(run.stderr()).toBe("");
  });
});
