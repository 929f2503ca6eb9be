// The products that this proxy knows: `kind` of a provider.

import { hydra } from "./hydra.ts";
import { keycloak } from "./keycloak.ts";
import type { Kind } from "./kind.ts";
import { spring } from "./spring.ts";
import { uaa } from "./uaa.ts";
import { zitadel } from "./zitadel.ts";

export const KINDS = { keycloak, hydra, spring, uaa, zitadel } satisfies Record<string, Kind>;
export type KindName = keyof typeof KINDS;
export const KIND_NAMES = Object.keys(KINDS) as [KindName];

/** @returns the kind whose metadata looks like this; only a guess, for a suggestion */
export function kindOf(metadata: { token_endpoint: string; jwks_uri?: string | undefined }): KindName | undefined {
  const urls = `${metadata.token_endpoint} ${metadata.jwks_uri}`;
  return KIND_NAMES.find((name) => KINDS[name].metadata.test(urls));
}
