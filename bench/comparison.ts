// All variants under the same load, round by round: what disturbs the machine for a while then disturbs all of them.

import { measure } from "./measure.ts";
import { startProvider } from "./provider.ts";
import type { Comparison, Measured } from "./result.ts";
import { type Running, startVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { rotate } from "./statistics.ts";
import { findVariant } from "./variants.ts";
import { buildWorker } from "./worker.ts";

export async function compare(session: Session): Promise<Comparison> {
  const { options, folder, pinning, load, progress } = session;
  const missing: Record<string, string> = {};
  const chosen = options.only.map(findVariant).filter(({ name, missing: why }) => {
    const reason = why?.();
    if (reason !== undefined) missing[name] = reason;
    return reason === undefined;
  });
  const bundle = chosen.some(({ name }) => name === "worker") ? { bundleBytes: buildWorker() } : {};
  const provider = await startProvider({ folder, cores: pinning.others });
  const running: Running[] = [];
  const variants: Record<string, Measured> = {};
  try {
    for (const variant of chosen) {
      progress(`starts ${variant.name}`);
      const { tokenEndpoint } = provider;
      running.push(await startVariant(variant, { folder, cores: pinning.variant, tokenEndpoint, cli: options.cli }));
      variants[variant.name] = { label: variant.label, samples: [], peakBytes: 0 };
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const each of rotate(running, round)) {
        progress(`round ${round + 1} of ${options.rounds}: ${each.name}`);
        const sample = await measure(load, each, options, round === 0);
        const measured = variants[each.name] as Measured;
        measured.samples.push(sample);
        measured.peakBytes = each.usage().peakBytes;
      }
    }
    return { variants, missing, ...bundle };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
    await provider.stop();
  }
}
