// JWTs that this proxy signs: assertions about a user for a grant, and about itself for client authentication.

import type { Clock, Ids } from "../ports.ts";
import { compileJson, type JsonValue } from "./json-template.ts";
import type { SigningKey } from "./signing-key.ts";

/** A JWT as the file describes it. Durations are in milliseconds. */
export interface JwtSettings {
  header: Readonly<Record<string, JsonValue>>;
  claims: Readonly<Record<string, JsonValue>>;
  /** From now to `exp`. */
  ttl: number;
  /** From `iat` to now: for providers that take an `iat` of this second for one of the future (Keycloak). */
  backdate: number;
  /** Which key signs; the first of those that sign, where it is not said. */
  kid?: string | undefined;
}

/** Names that stand for something in the claims of a JWT alone. */
export const JWT_TEMPLATE_NAMES = ["iat", "exp"] as const;

/** What signs: a private key, or a client secret (client-authentication.ts). */
export type Signer = Pick<SigningKey, "sign" | "x5tS256"> & { readonly kid: string | undefined };

/** Makes one JWT, with its own iat, exp and jti: an assertion that is used twice reads as a replay (RFC 7523 §3 no. 7). */
export type MakeJwt = (values: (name: string) => string | number) => string | Promise<string>;

export function compileJwt(settings: JwtSettings, key: Signer, { clock, ids }: { clock: Clock; ids: Ids }): MakeJwt {
  // The key's own members are no templates, whatever stands in them.
  const own = {
    ...(key.kid === undefined ? {} : { kid: key.kid }),
    ...(key.x5tS256 === undefined ? {} : { "x5t#S256": key.x5tS256 }),
  };
  const header = compileJson(settings.header);
  const claims = compileJson({ iat: "{{iat}}", exp: "{{exp}}", ...settings.claims });

  return (values) => {
    const now = clock.now();
    const times: Record<string, number> = {
      iat: Math.floor((now - settings.backdate) / 1000),
      exp: Math.floor((now + settings.ttl) / 1000),
    };
    const named = (name: string) => (Object.hasOwn(times, name) ? (times[name] as number) : values(name));
    const payload = withoutNull({ jti: ids.uuid(), ...(claims(named) as Record<string, JsonValue>) });
    return key.sign(withoutNull({ ...own, ...(header(named) as Record<string, JsonValue>) }), JSON.stringify(payload));
  };
}

/** `null` in the file takes a member away that would be there by itself, as the jti. */
function withoutNull(members: Record<string, JsonValue>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}
