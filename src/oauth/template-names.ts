// Which names the templates of a provider use, and which of them a call must supply.

import { allParams, type RequestParameters, TOKEN_EXCHANGE, templatesOf } from "./grants.ts";
import type { WrittenProvider } from "./settings.ts";
import { jsonTemplateNames } from "./template.ts";
import { JWT_PREFIX, JWT_TEMPLATE_NAMES, OWN_NAMES, TOKEN_PREFIX } from "./template-rules.ts";

/** `attributes.NAME` is an attribute of the user at the nextAuth Server. */
export const ATTRIBUTE_PREFIX = "attributes.";

type RequestSettings = RequestParameters & Pick<WrittenProvider, "headers">;
type TemplatedSettings = RequestSettings & Pick<WrittenProvider, "jwt" | "expect_subject" | "client_assertion">;

/** The JWTs that a token request contains. */
export function jwtsNeeded(settings: RequestSettings): string[] {
  return namesAfter(JWT_PREFIX, requestNames(settings));
}

/** The rest of the names that start like this. */
export const namesAfter = (prefix: string, names: readonly string[]): string[] =>
  names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));

/** The names that a call, its session or its attributes must supply. */
export const callNamesNeeded = (settings: TemplatedSettings): string[] => allNames(settings).filter(isOfCall);

/** The tokens of other providers that a token request contains. A member's name may have dots. */
export function tokensNeeded(settings: TemplatedSettings) {
  return namesAfter(TOKEN_PREFIX, allNames(settings)).map((token) => {
    const [provider = "", ...member] = token.split(".");
    return { name: TOKEN_PREFIX + token, provider, member: member.join(".") || "access_token" };
  });
}

type AllSettings = Readonly<Record<string, TemplatedSettings>>;

/** The providers whose tokens a provider needs, directly or not; itself only in a cycle. */
export function chainOf(name: string, all: AllSettings, found = new Set<string>()): ReadonlySet<string> {
  for (const { provider } of tokensNeeded(all[name] as TemplatedSettings)) {
    if (!found.has(provider)) chainOf(provider, all, found.add(provider));
  }
  return found;
}

/** The names that a call must supply to a provider and to those whose tokens it needs. */
export function callNamesOfChain(name: string, all: AllSettings): string[] {
  return [...new Set([name, ...chainOf(name, all)])].flatMap((one) => callNamesNeeded(all[one] as TemplatedSettings));
}

function allNames(settings: TemplatedSettings): string[] {
  const { jwt, expect_subject, client_assertion } = settings;
  const jwts = jwtsNeeded(settings).flatMap((name) => [jwt[name]?.header ?? {}, jwt[name]?.claims ?? {}]);
  const { aud = "", header, claims } = client_assertion;
  const others = jsonTemplateNames([...jwts, expect_subject?.equals ?? "", aud, header, claims]);
  return [...new Set([...requestNames(settings), ...others])];
}

const OF_REQUEST = new Set([...OWN_NAMES, ...JWT_TEMPLATE_NAMES]);
const isOfCall = (name: string) =>
  !OF_REQUEST.has(name) && !name.startsWith(JWT_PREFIX) && !name.startsWith(TOKEN_PREFIX);

/** Whether the call brings the subject or actor token of a token exchange (RFC 8693). */
export function hasTokenOfCall(settings: RequestParameters): boolean {
  const { subject_token = "", actor_token = "" } = allParams(settings);
  const names = jsonTemplateNames([subject_token, actor_token].flatMap(templatesOf));
  return settings.grant_type === TOKEN_EXCHANGE && names.some(isOfCall);
}

/** The names in parameters and headers. */
function requestNames(settings: RequestSettings): string[] {
  const parts = [...Object.values(allParams(settings)), ...Object.values(settings.headers)];
  return [...new Set(jsonTemplateNames(parts.flatMap(templatesOf)))];
}
