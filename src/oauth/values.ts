// What templates can name: the values of the call, and those that the provider's own settings give.

import type { Clock, Ids } from "../core/ports.ts";
import type { ClientAssertionSettings } from "./client-authentication.ts";
import { templatesOf } from "./grants.ts";
import { jsonTemplateNames } from "./json-template.ts";
import { JWT_TEMPLATE_NAMES, type JwtSettings } from "./jwt.ts";
import { parseTemplate } from "./template.ts";
import { effectiveParams, type TokenRequestSettings } from "./token-request.ts";

/** A template's values that come with the call, `attributes.NAME` among them; undefined where it has none of that name. */
export type CallValues = (name: string) => string | number | undefined;

/** Gives the value of a name. `now` and integers of the call are numbers, so that they are numbers in the claims of a JWT too. */
export type Values = (name: string) => string | number;

/** Names that do not come from the call. `jwt.NAME` is one more, for each JWT of the provider. */
export const OWN_NAMES = [
  "client_id",
  "issuer",
  "token_endpoint",
  "signing_issuer",
  "signing.kid",
  "now",
  "uuid",
] as const;

type OwnName = (typeof OWN_NAMES)[number];

export const JWT_PREFIX = "jwt.";

/** `attributes.NAME` is an attribute of the user at the nextAuth Server. */
export const ATTRIBUTE_PREFIX = "attributes.";

/** What the own names stand for, as far as a provider's settings fix it. */
export interface OwnValues {
  client_id: string;
  issuer: string;
  token_endpoint: string;
  signing_issuer: string;
  "signing.kid": string;
}

export function createValues(own: OwnValues, call: CallValues, { clock, ids }: { clock: Clock; ids: Ids }): Values {
  return (name) => {
    switch (name as OwnName) {
      case "now":
        return Math.floor(clock.now() / 1000);
      case "uuid":
        return ids.uuid();
      default:
        return required(Object.hasOwn(own, name) ? own[name as keyof OwnValues] : call(name), name);
    }
  };
}

/** Every name was checked at start and every value before the first request, so that a lack is a bug. */
function required(value: string | number | undefined, name: string): string | number {
  if (value === undefined) throw new Error(`no value for the name ${name}`);
  return value;
}

export interface TemplatedSettings extends TokenRequestSettings {
  jwt: Readonly<Record<string, JwtSettings>>;
  expect_subject?: { equals: string } | undefined;
  client_assertion: Pick<ClientAssertionSettings, "aud" | "header" | "claims">;
}

/** The names in the parameters and headers of a request, `jwt.NAME` among them. */
function requestNames(settings: TokenRequestSettings): string[] {
  const parts = [...Object.values(effectiveParams(settings)), ...Object.values(settings.headers)];
  return [...new Set(parts.flatMap(templatesOf).flatMap((text) => parseTemplate(text).names))];
}

/** Which JWTs a request needs. */
export function jwtsNeeded(settings: TokenRequestSettings): string[] {
  return requestNames(settings)
    .filter((name) => name.startsWith(JWT_PREFIX))
    .map((name) => name.slice(JWT_PREFIX.length));
}

/** The names that a request to this provider needs of the call. */
export function callNamesNeeded(settings: TemplatedSettings): string[] {
  const jwts = jwtsNeeded(settings).flatMap((name) => {
    const jwt = settings.jwt[name];
    return jwt === undefined ? [] : jsonTemplateNames([jwt.header, jwt.claims]);
  });
  const subject = settings.expect_subject === undefined ? [] : parseTemplate(settings.expect_subject.equals).names;
  const { aud, header, claims } = settings.client_assertion;
  const assertion = [...parseTemplate(aud).names, ...jsonTemplateNames([header, claims])];
  const own = new Set<string>([...OWN_NAMES, ...JWT_TEMPLATE_NAMES]);
  const all = new Set([...requestNames(settings), ...jwts, ...subject, ...assertion]);
  return [...all].filter((name) => !own.has(name) && !name.startsWith(JWT_PREFIX));
}
