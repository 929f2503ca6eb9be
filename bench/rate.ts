// A fixed number of calls per second with Poisson arrivals, against a bare relay that only signs.

import { measure, warmUp } from "./measure.ts";
import { startProvider } from "./provider.ts";
import type { RatePoint } from "./result.ts";
import { selectVariants, withVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { rotate } from "./statistics.ts";
import type { VariantName } from "./variants.ts";

const RATES = [600, 200];
const NAMES: readonly VariantName[] = ["raw-es256", "proxy-es256", "before-es256"];

export async function measureRate(session: Session): Promise<RatePoint[]> {
  const { options, folder, pinning, load, progress } = session;
  const { rounds, seconds, connections } = options;
  const chosen = selectVariants(session, NAMES);
  const points = RATES.map((rate) => ({
    rate,
    variants: Object.fromEntries(chosen.map(({ name, label }) => [name, { label, samples: [] }])),
  })) as RatePoint[];
  const provider = await startProvider({ folder, cores: pinning.others });
  try {
    for (let round = 0; round < rounds; round++) {
      for (const variant of rotate(chosen, round)) {
        progress(`rate, round ${round + 1} of ${rounds}: ${variant.name}`);
        await withVariant(session, variant, { provider }, async (running) => {
          // A closed loop first: at 200 calls/s, compiling the code would take too long.
          await warmUp(load, running, { connections }, seconds);
          for (const { rate, variants } of points) {
            const pace = { rate, seed: round };
            await warmUp(load, running, pace, seconds);
            variants[variant.name]?.samples.push(await measure(load, running, pace, seconds));
          }
        });
      }
    }
    return points;
  } finally {
    await provider.stop();
  }
}
