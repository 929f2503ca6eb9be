// CPU and memory of processes that have answered one call and now wait for the next.

import { setTimeout as sleep } from "node:timers/promises";
import { startProvider } from "./provider.ts";
import type { Idle } from "./result.ts";
import { type Running, selectVariants, startVariant } from "./running.ts";
import type { Session } from "./session.ts";
import type { VariantName } from "./variants.ts";

const NAMES: readonly VariantName[] = ["bare-http", "proxy", "before"];
/** The garbage collector is still at work after a start. */
const SETTLE_MS = 10_000;

/** They wait side by side: idle processes do not disturb each other. */
export async function measureIdle(session: Session): Promise<Idle> {
  const { options, folder, pinning, progress } = session;
  const { rounds, seconds } = options;
  const provider = await startProvider({ folder, cores: pinning.others });
  const running: Running[] = [];
  const idle: Idle = {};
  try {
    for (const variant of selectVariants(session, NAMES)) {
      running.push(await startVariant(session, variant, { provider }));
      idle[variant.name] = { label: variant.label, samples: [] };
    }
    progress("idle: settling");
    await sleep(SETTLE_MS);
    for (let round = 0; round < rounds; round++) {
      progress(`idle, round ${round + 1} of ${rounds}`);
      const startedAt = performance.now();
      const before = running.map(({ usage }) => usage().cpuSeconds);
      await sleep(seconds * 1_000);
      const elapsed = (performance.now() - startedAt) / 1_000;
      for (const [index, { name, usage }] of running.entries()) {
        const { cpuSeconds, rssBytes } = usage();
        const cores = (cpuSeconds - (before[index] ?? Number.NaN)) / elapsed;
        idle[name]?.samples.push({ cores, rssBytes });
      }
    }
    return idle;
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await provider.stop();
  }
}
