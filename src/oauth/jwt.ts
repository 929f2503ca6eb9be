// JWTs that this proxy signs: assertions about a user for a grant, and about itself as a client.

import type { Clock, Ids } from "../core/ports.ts";
import type { Value, Values } from "../core/values.ts";
import type { SigningKey } from "./signing-key.ts";
import { compileJson, type JsonValue, jsonTemplateNames } from "./template.ts";

/** A JWT as the file describes it. Durations are in milliseconds. */
export interface JwtSettings {
  header: Readonly<Record<string, JsonValue>>;
  claims: Readonly<Record<string, JsonValue>>;
  /** From now to `exp`. */
  ttl: number;
  /** From `iat` to now: Keycloak takes an `iat` of this very second to be in the future. */
  backdate: number;
  /** The key that signs; by default the first one that signs. */
  kid?: string | undefined;
}

/** Names that only exist in the claims of a JWT. */
export const JWT_TEMPLATE_NAMES = ["iat", "exp"] as const;

/** A private key, or a client secret (client-authentication.ts). */
export type Signer = Pick<SigningKey, "sign" | "x5tS256"> & { readonly kid: string | undefined };

/** Each JWT has a new jti: a reused assertion looks like a replay (RFC 7523 section 3). */
export type SignJwt = (values: Values) => string | Promise<string>;

export function compileJwt(settings: JwtSettings, signer: Signer, { clock, ids }: { clock: Clock; ids: Ids }): SignJwt {
  const keyMembers = {
    ...(signer.kid === undefined ? {} : { kid: signer.kid }),
    ...(signer.x5tS256 === undefined ? {} : { "x5t#S256": signer.x5tS256 }),
  };
  const header = compileMembers(keyMembers, settings.header);
  const claims = compileMembers({ jti: () => ids.uuid() }, { iat: "{{iat}}", exp: "{{exp}}", ...settings.claims });
  // A header without templates is the same object for every JWT, so the signer encodes it once.
  const fixedHeader = jsonTemplateNames(settings.header).length === 0 ? header(new Map()) : undefined;

  return (values) => {
    const now = clock.now();
    const named = new Map<string, Value>([
      ...values,
      ["iat", Math.floor((now - settings.backdate) / 1000)],
      ["exp", Math.floor((now + settings.ttl) / 1000)],
    ]);
    return signer.sign(fixedHeader ?? header(named), JSON.stringify(claims(named)));
  };
}

type Members = Readonly<Record<string, JsonValue>>;

/**
 * @param own members that are always there; their text is never read as a template
 * @param given members of the file: they replace an own one, and `null` removes it
 */
function compileMembers(
  own: Readonly<Record<string, string | (() => string)>>,
  given: Members,
): (values: Values) => Members {
  const fixed = Object.entries(own)
    .filter(([name]) => !Object.hasOwn(given, name))
    .map(([name, member]) => [name, typeof member === "string" ? () => member : member] as const);
  const filled = Object.entries(given)
    .filter(([, member]) => member !== null)
    .map(([name, member]) => [name, compileJson(member)] as const);
  const members = [...fixed, ...filled];
  return (values) => Object.fromEntries(members.map(([name, fill]) => [name, fill(values)]));
}
