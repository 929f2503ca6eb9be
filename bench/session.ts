// What the modes of a run share: options, folder, pinning, variants, load and progress.

import { buildBefore, describeBuild } from "./build.ts";
import { type Load, startLoad } from "./load.ts";
import type { Options } from "./options.ts";
import { createFolder } from "./place.ts";
import { choosePinning, type Pinning } from "./system.ts";
import { createVariants, type Variant, type VariantName } from "./variants.ts";

export interface Session {
  options: Options;
  folder: string;
  pinning: Pinning;
  variants: ReadonlyMap<VariantName, Variant>;
  load: Load;
  /** Shows one changing line on a terminal, or writes one line per step to a pipe. */
  progress(text: string): unknown;
  clearProgress(): unknown;
}

export async function openSession(options: Options): Promise<Session> {
  const { stderr } = process;
  const progress = (text: string) => stderr.write(stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  const before = options.before === undefined ? undefined : buildBefore(options.before, progress);
  const folder = createFolder();
  const pinning = choosePinning();
  return {
    options,
    folder,
    pinning,
    variants: createVariants(describeBuild(), before),
    load: await startLoad(folder, pinning.others),
    progress,
    clearProgress: () => stderr.isTTY && stderr.write("\r\x1b[K"),
  };
}
