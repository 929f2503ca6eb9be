// Many calls that wait for a slow provider: what each of them holds in memory.

import { startProvider } from "./provider.ts";
import type { Waiting } from "./result.ts";
import { startVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { findVariant } from "./variants.ts";

const CALLS = 512;
const PROVIDER_MS = 50;
/** Each with fresh processes, since the highest memory use of a process cannot be taken back. */
const MOST_ROUNDS = 3;

export async function measureWaiting({ options, folder, pinning, load, progress }: Session): Promise<Waiting> {
  const provider = await startProvider({ folder, cores: pinning.others, delay: PROVIDER_MS });
  const variants = [findVariant("floor"), findVariant("proxy")];
  const peakBytes: Record<string, number[]> = Object.fromEntries(variants.map(({ name }) => [name, []]));
  const rounds = Math.min(options.rounds, MOST_ROUNDS);
  try {
    for (let round = 0; round < rounds; round++) {
      for (const variant of variants) {
        progress(`waiting ${round + 1} of ${rounds}: ${variant.name}`);
        const { tokenEndpoint } = provider;
        const running = await startVariant(variant, {
          folder,
          cores: pinning.variant,
          tokenEndpoint,
          cli: options.cli,
        });
        try {
          const { call, expected, name } = running;
          await load.run({ ...call, expected, connections: CALLS, seconds: options.seconds }, name);
          peakBytes[name]?.push(running.usage().peakBytes);
        } finally {
          await running.stop();
        }
      }
    }
    return { calls: CALLS, milliseconds: PROVIDER_MS, peakBytes };
  } finally {
    await provider.stop();
  }
}
