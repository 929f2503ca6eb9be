// Time from spawn to the first answered call, in turns with a bare server.

import { startProvider } from "./provider.ts";
import type { Start } from "./result.ts";
import { selectVariants, withVariant } from "./running.ts";
import type { Session } from "./session.ts";
import type { VariantName } from "./variants.ts";

const NAMES: readonly VariantName[] = ["bare-http", "floor", "proxy", "before"];
const STARTS = 11;

export async function measureStart(session: Session): Promise<Start> {
  const { folder, pinning, progress } = session;
  const provider = await startProvider({ folder, cores: pinning.others });
  const variants = selectVariants(session, NAMES);
  const start: Start = Object.fromEntries(variants.map(({ name }) => [name, []]));
  try {
    // Turn 0 does not count: it brings the files into the system's cache.
    for (let turn = 0; turn <= STARTS; turn++) {
      progress(`start ${turn} of ${STARTS}`);
      for (const variant of variants) {
        const seconds = await withVariant(session, variant, { provider }, (running) => running.startSeconds);
        if (turn > 0) start[variant.name]?.push(seconds);
      }
    }
    return start;
  } finally {
    await provider.stop();
  }
}
