// The configuration with every default filled in. Durations are in milliseconds.

import type { FileConfig } from "./schema.ts";

export type { FileProvider as ProviderConfig } from "./schema-provider.ts";

export type Route = NonNullable<FileConfig["routes"]>[number];
export type Config = Omit<FileConfig, "routes"> & { routes: readonly Route[] };

/** @param file in which everything names its provider, if it has several and no routes */
export function complete(file: FileConfig): Config {
  const [provider = "", ...others] = Object.keys(file.providers);
  return { ...file, routes: file.routes ?? (others.length > 0 ? [] : [{ provider }]) };
}
