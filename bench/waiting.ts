// Peak memory while many calls wait for a slow provider.

import { startProvider } from "./provider.ts";
import type { Waiting } from "./result.ts";
import { selectVariants, withVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { rotate } from "./statistics.ts";
import type { VariantName } from "./variants.ts";

const NAMES: readonly VariantName[] = ["floor", "proxy", "before"];
const CALLS = 512;
const PROVIDER_MS = 50;

export async function measureWaiting(session: Session): Promise<Waiting> {
  const { options, folder, pinning, load, progress } = session;
  const { rounds, seconds } = options;
  const provider = await startProvider({ folder, cores: pinning.others, delay: PROVIDER_MS });
  const variants = selectVariants(session, NAMES);
  const peakBytes: Record<string, number[]> = Object.fromEntries(variants.map(({ name }) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const variant of rotate(variants, round)) {
        progress(`waiting, round ${round + 1} of ${rounds}: ${variant.name}`);
        const bytes = await withVariant(session, variant, { provider }, async ({ call, expected, name, usage }) => {
          await load.run({ ...call, expected, connections: CALLS, seconds }, name);
          return usage().peakBytes;
        });
        peakBytes[variant.name]?.push(bytes);
      }
    }
    return { calls: CALLS, milliseconds: PROVIDER_MS, peakBytes };
  } finally {
    await provider.stop();
  }
}
