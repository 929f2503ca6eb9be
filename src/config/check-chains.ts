// Rules for the values that a provider needs, and for its token in the request of another.

import { ATTRIBUTE_PREFIX, callNamesOfChain, chainOf } from "../oauth/template-names.ts";
import { TOKEN_PREFIX } from "../oauth/template-rules.ts";
import type { Path, Report } from "./faults.ts";
import { type Config, routeFor } from "./schema.ts";

/** What a webNonce and its session provide. */
export const EXCHANGE_NAMES = ["serverid", "nonce", "userid", "accountid"];

/** Each provider whose calls are known may need only what these can have. */
export function checkNeeds(
  { get_token, webnonce_exchange, providers, routes, nextauth }: Config,
  report: Report,
): void {
  const check = (name: string, has: readonly string[], at: Path) => {
    for (const needed of callNamesOfChain(name, providers)) {
      if (has.includes(needed) || needed.startsWith(ATTRIBUTE_PREFIX)) continue;
      const problem = `which needs {{${needed}}}, but none of these calls has it; choose another provider`;
      report(at, `uses "providers.${name}", ${problem}`);
    }
  };
  const defaultServerid = nextauth.find((server) => server.serverid !== undefined)?.serverid;
  const always = defaultServerid === undefined ? [] : ["serverid"];
  for (const [index, { provider, session, values }] of get_token.entries()) {
    const has = [...Object.keys(values), ...(session === "verify" ? EXCHANGE_NAMES : always)];
    if (provider !== undefined) check(provider, has, ["get_token", index, "provider"]);
  }
  for (const [index, { provider, serverid = defaultServerid }] of webnonce_exchange.entries()) {
    const name = provider ?? routeFor(routes, serverid)?.provider;
    const at = ["webnonce_exchange", index];
    if (name !== undefined) check(name, EXCHANGE_NAMES, at);
    else report(at, "needs a provider, because no route matches its serverid; set provider");
  }
}

export function checkChains({ providers, routes, get_token, webnonce_exchange }: Config, report: Report): void {
  const chains = new Map(Object.keys(providers).map((name) => [name, chainOf(name, providers)]));
  for (const [name, chain] of chains) {
    if (!chain.has(name)) continue;
    const cycle = [...chain].filter((other) => chains.get(other)?.has(name)).join(", ");
    report(["providers", name], `needs its own token: {{${TOKEN_PREFIX}…}} is a cycle (${cycle})`, "key");
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
