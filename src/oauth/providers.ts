// All providers of the file, some of which need tokens of others.

import { createProvider, type ProviderDeps, type Providers } from "./provider.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import { callNamesOfChain, tokensNeeded } from "./template-names.ts";

/** @param settings by name, like the credentials */
export async function createProviders(
  settings: Readonly<Record<string, ProviderSettings>>,
  credentials: ReadonlyMap<string, ProviderCredentials>,
  deps: ProviderDeps,
): Promise<Providers> {
  const all = Object.entries(settings).map(([name, provider]) => {
    const own = credentials.get(name) as ProviderCredentials;
    return createProvider(name, provider, own, deps, callNamesOfChain(name, settings));
  });
  const providers = new Map(all.map((provider) => [provider.name, provider]));
  if (Object.values(settings).every((provider) => tokensNeeded(provider).length === 0)) return providers;
  return (await import("./chained-tokens.ts")).chainProviders(providers, settings, deps);
}
