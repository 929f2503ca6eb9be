// All variants under the same load, in turns, so that a disturbance affects them all.

import { buildWorker } from "./build.ts";
import { measure, warmUp } from "./measure.ts";
import { startProvider } from "./provider.ts";
import type { Comparison, Measured } from "./result.ts";
import { selectVariants, withVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { rotate } from "./statistics.ts";
import { BARE_HTTP, VARIANT_NAMES } from "./variants.ts";

export async function compare(session: Session): Promise<Comparison> {
  const { options, folder, pinning, load, progress } = session;
  const { rounds, seconds, connections } = options;
  const missing: Record<string, string> = {};
  const names = options.only ?? VARIANT_NAMES.filter((name) => name !== BARE_HTTP);
  const chosen = selectVariants(session, names).filter(({ name, missing: reason }) => {
    const why = reason?.();
    if (why !== undefined) missing[name] = why;
    return why === undefined;
  });
  const bundleBytes: Record<string, number> = {};
  for (const { name, build } of chosen) {
    if (build === undefined) continue;
    progress(`building ${name}`);
    bundleBytes[name] = buildWorker(build);
  }
  const provider = await startProvider({ folder, cores: pinning.others });
  const variants: Record<string, Measured> = Object.fromEntries(
    chosen.map(({ name, label }) => [name, { label, samples: [] }]),
  );
  try {
    for (let round = 0; round < rounds; round++) {
      for (const variant of rotate(chosen, round)) {
        progress(`compare, round ${round + 1} of ${rounds}: ${variant.name}`);
        const sample = await withVariant(session, variant, { provider }, async (running) => {
          await warmUp(load, running, { connections }, seconds);
          return measure(load, running, { connections }, seconds);
        });
        variants[variant.name]?.samples.push(sample);
      }
    }
    return { variants, missing, bundleBytes };
  } finally {
    await provider.stop();
  }
}
