// How long the proxy takes from its spawn to its first answered call, against a bare server; in turns.

import { startProvider } from "./provider.ts";
import type { Start } from "./result.ts";
import { startVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { BARE_HTTP, findVariant } from "./variants.ts";

const STARTS = 11;

export async function measureStart({ options, folder, pinning, progress }: Session): Promise<Start> {
  const provider = await startProvider({ folder, cores: pinning.others });
  const variants = [BARE_HTTP, findVariant("floor"), findVariant("proxy")];
  const start: Start = Object.fromEntries(variants.map(({ name }) => [name, []]));
  try {
    // Once before it counts: the files are then in the memory of the system for all of them.
    for (let turn = 0; turn <= STARTS; turn++) {
      progress(`start ${turn} of ${STARTS}`);
      for (const variant of variants) {
        const { tokenEndpoint } = provider;
        const running = await startVariant(variant, {
          folder,
          cores: pinning.variant,
          tokenEndpoint,
          cli: options.cli,
        });
        if (turn > 0) start[variant.name]?.push(running.startSeconds);
        await running.stop();
      }
    }
    return start;
  } finally {
    await provider.stop();
  }
}
