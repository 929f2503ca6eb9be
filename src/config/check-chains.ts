// Rules for a provider's token in the request of another provider.

import { callNamesOfChain, chainOf } from "../oauth/template-names.ts";
import { TOKEN_PREFIX } from "../oauth/template-rules.ts";
import type { Report } from "./faults.ts";
import type { FileConfig } from "./schema.ts";

export function checkChains(
  { providers, routes = [], get_token, webnonce_exchange }: FileConfig,
  report: Report,
): void {
  const chains = new Map(Object.keys(providers).map((name) => [name, chainOf(name, providers)]));
  for (const [name, chain] of chains) {
    if (!chain.has(name)) continue;
    const circle = [...chain].filter((other) => chains.get(other)?.has(name)).join(", ");
    report(["providers", name], `needs its own token: {{${TOKEN_PREFIX}…}} goes round in a circle (${circle})`, "key");
  }
  for (const [name, { cache }] of Object.entries(providers)) {
    if (cache !== true) continue;
    const [used] = callNamesOfChain(name, providers);
    if (used === undefined) continue;
    report(["providers", name, "cache"], `must be false, because {{${used}}} makes each token one of the call's user`);
  }
  for (const [key, uses] of Object.entries({ routes, get_token, webnonce_exchange })) {
    for (const [index, { provider = "" }] of uses.entries()) {
      if (providers[provider]?.cache !== true) continue;
      report([key, index, "provider"], `is "${provider}", which has cache: true and so is for other providers only`);
    }
  }
}
