// JWTs that this proxy signs: assertions about a user for a grant, and about itself for client authentication.

import type { Clock, Ids } from "../core/ports.ts";
import { compileJson, type JsonValue, type JsonValues, jsonTemplateNames } from "./json-template.ts";
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
    ...(key.kid === undefined ? {} : { kid: () => key.kid as string }),
    ...(key.x5tS256 === undefined ? {} : { "x5t#S256": () => key.x5tS256 as string }),
  };
  const header = compileMembers(own, settings.header);
  const claims = compileMembers({ jti: () => ids.uuid() }, { iat: "{{iat}}", exp: "{{exp}}", ...settings.claims });
  // The same object for all JWTs where nothing in it changes: whoever signs encodes it once.
  const fixedHeader = jsonTemplateNames(settings.header).length === 0 ? header(() => "") : undefined;

  return (values) => {
    const now = clock.now();
    const times: Record<string, number> = {
      iat: Math.floor((now - settings.backdate) / 1000),
      exp: Math.floor((now + settings.ttl) / 1000),
    };
    const named = (name: string) => (Object.hasOwn(times, name) ? (times[name] as number) : values(name));
    return key.sign(fixedHeader ?? header(named), JSON.stringify(claims(named)));
  };
}

type Members = Readonly<Record<string, JsonValue>>;

/**
 * @param own members that are there by themselves
 * @param given the file's: each takes the place of an own one of its name, and `null` takes that away
 */
function compileMembers(
  own: Readonly<Record<string, () => JsonValue>>,
  given: Members,
): (values: JsonValues) => Members {
  const members = Object.keys({ ...own, ...given })
    .filter((name) => given[name] !== null)
    .map((name) => [name, Object.hasOwn(given, name) ? compileJson(given[name] as JsonValue) : own[name]] as const);
  return (values) => Object.fromEntries(members.map(([name, fill]) => [name, (fill as Fill)(values)]));
}

type Fill = (values: JsonValues) => JsonValue;
