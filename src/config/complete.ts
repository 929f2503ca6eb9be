// The configuration with every default filled in. Durations are in milliseconds.

import type { FileConfig } from "./schema.ts";

export type { FileProvider as ProviderConfig } from "./schema-provider.ts";

export type Route = NonNullable<FileConfig["routes"]>[number];
export type Config = Omit<FileConfig, "routes"> & { routes: readonly Route[] };

/** @param file that passed all checks: with several providers and no routes, everything names its provider */
export function complete(file: FileConfig): Config {
  const [provider = "", ...others] = Object.keys(file.providers);
  return { ...file, routes: file.routes ?? (others.length > 0 ? [] : [{ provider }]) };
}
