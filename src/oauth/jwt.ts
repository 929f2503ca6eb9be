// JWTs that this proxy signs: assertions about a user for a grant, and about itself as a client.

import type { Clock, Ids } from "../core/ports.ts";
import type { Values } from "../core/values.ts";
import type { JwtSettings } from "./settings.ts";
import type { SigningKey } from "./signing-key.ts";
import { compileJson, type JsonValue, memberPlace } from "./template.ts";

/** A private key, or a client secret (client-authentication.ts). */
export type JwtSigner = Pick<SigningKey, "sign"> & { kid?: string | undefined; x5tS256?: string | undefined };

export type JwtDeps = { clock: Clock; ids: Ids };

/** Each JWT has a new jti: a reused assertion looks like a replay (RFC 7523 section 3). */
export function compileJwt(
  settings: JwtSettings,
  { kid, x5tS256, sign }: JwtSigner,
  { clock, ids }: JwtDeps,
  key: string,
) {
  const fillHeader = compileMembers(settings.header, `${key}.header`);
  const fillClaims = compileMembers({ iat: "{{iat}}", exp: "{{exp}}", ...settings.claims }, `${key}.claims`);

  return (values: Values): string | Promise<string> => {
    const now = clock.now();
    const jti = ids.uuid();
    const named = new Map(values)
      .set("iat", Math.floor((now - settings.backdate) / 1000))
      .set("exp", Math.floor((now + settings.ttl) / 1000))
      .set("uuid", jti);
    const header = { kid, "x5t#S256": x5tS256, ...fillHeader(named) };
    return sign(header, JSON.stringify({ jti, ...fillClaims(named) }));
  };
}

/** `null` becomes undefined, which JSON.stringify leaves out. */
function compileMembers(members: Readonly<Record<string, JsonValue>>, key: string) {
  const filled = Object.entries(members).map(
    ([name, member]) =>
      [name, member === null ? () => undefined : compileJson(member, memberPlace({ key }, name))] as const,
  );
  return (values: Values) => Object.fromEntries(filled.map(([name, fill]) => [name, fill(values)]));
}
