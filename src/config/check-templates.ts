// Checks the templates of a provider: every name that stands in one must be there at that place.

import { allParams, templatesOf, USER_JWT, withDefaults } from "../oauth/grants.ts";
import { JWT_TEMPLATE_NAMES } from "../oauth/jwt.ts";
import { jsonTemplateNames, parseTemplate } from "../oauth/template.ts";
import { ATTRIBUTE_PREFIX, JWT_PREFIX, jwtsNeeded, OWN_NAMES } from "../oauth/template-names.ts";
import { fault, type PathFault } from "./faults.ts";
import type { Path, PathOf } from "./position.ts";
import type { FileProvider, FileSigning } from "./schema-provider.ts";
import { suggestion } from "./suggestion.ts";

/** What of the rest of the file a provider depends on; undefined where that part is at fault itself. */
export interface Surroundings {
  /** The names under get_token.values, and those that a session check adds. */
  callNames: readonly string[] | undefined;
  /** What `{{attributes.NAME}}` still needs, as a phrase behind that; undefined where nothing is missing. */
  attributesLack: string | undefined;
  /** Null where the file has none. */
  signing: FileSigning | null | undefined;
}

export function checkTemplates(
  provider: FileProvider,
  path: PathOf,
  { callNames, attributesLack, signing }: Surroundings,
): PathFault[] {
  const common = [...OWN_NAMES, ...(callNames ?? [])];
  const jwtNames = [...new Set([USER_JWT, ...Object.keys(provider.jwt)])].map((name) => JWT_PREFIX + name);

  return placesOf(provider, path).flatMap(({ at, names, beside }) => {
    const own = { jwt: JWT_TEMPLATE_NAMES, request: jwtNames, nothing: [] }[beside];
    const known: string[] = [...common, ...own];
    return names.flatMap((name) => {
      if (name === "issuer" && provider.issuer === undefined)
        return [fault(at, "uses {{issuer}}, but there is no issuer")];
      if (name === "client_id" && provider.client_id === undefined) {
        return [fault(at, "uses {{client_id}}, but there is no client_id")];
      }
      if (name === "signing_issuer" && signing !== undefined && signing?.issuer === undefined) {
        return [fault(at, "uses {{signing_issuer}}, but there is no signing.issuer")];
      }
      if (name === "signing.kid" && signing === null)
        return [fault(at, "uses {{signing.kid}}, but there is no signing")];
      if (known.includes(name)) return [];
      if (name.startsWith(ATTRIBUTE_PREFIX)) {
        return attributesLack === undefined ? [] : [fault(at, `uses {{${name}}}, which needs ${attributesLack}`)];
      }
      if (name.startsWith(JWT_PREFIX)) {
        if (beside !== "request") return [fault(at, `uses {{${name}}}, but a JWT stands in params and headers alone`)];
        return [fault(at, `uses {{${name}}}, which "jwt" does not have${suggestion(name, jwtNames)}`)];
      }
      if (callNames === undefined) return [];
      const cure = suggestion(name, known) || ": add it under get_token.values";
      return [fault(at, `uses {{${name}}}, which no value of the call has${cure}`)];
    });
  });
}

interface Place {
  at: Path;
  names: readonly string[];
  /** Which names are known there beside the common ones: iat and exp in a JWT, `jwt.NAME` in a parameter or header. */
  beside: "jwt" | "request" | "nothing";
}

/** Every place of a provider where templates stand; what is implied stands at the key that implies it. */
function placesOf(provider: FileProvider, path: PathOf): Place[] {
  const places: Place[] = [];
  const add = (at: Path, text: string) => places.push({ at, names: parseTemplate(text).names, beside: "request" });
  const addPlain = (at: Path, text: string) => places.push({ at, names: parseTemplate(text).names, beside: "nothing" });
  for (const [name, param] of Object.entries(allParams(provider))) {
    for (const [index, text] of templatesOf(param).entries()) {
      if (name === "scope") add(path("scope"), text);
      else if (provider.params[name] === undefined) add(path("grant_type"), text);
      else add(typeof param === "string" ? path("params", name) : path("params", name, index), text);
    }
  }
  for (const [name, header] of Object.entries(provider.headers)) {
    for (const text of templatesOf(header)) add(path("headers", name), text);
  }
  if (provider.client_assertion?.aud !== undefined)
    addPlain(path("client_assertion", "aud"), provider.client_assertion.aud);
  for (const part of ["header", "claims"] as const) {
    for (const [member, value] of Object.entries(provider.client_assertion?.[part] ?? {})) {
      places.push({ at: path("client_assertion", part, member), names: jsonTemplateNames(value), beside: "jwt" });
    }
  }
  if (provider.expect_subject !== undefined) addPlain(path("expect_subject"), provider.expect_subject.equals);

  for (const name of jwtsNeeded(provider)) {
    const written = provider.jwt[name];
    if (written === undefined && name !== USER_JWT) continue;
    const { header, claims } = withDefaults(written ?? {}, provider.issuer !== undefined);
    for (const [part, members] of Object.entries({ header, claims })) {
      for (const [member, value] of Object.entries(members)) {
        const isWritten = written?.[part as "header" | "claims"]?.[member] !== undefined;
        const at = isWritten
          ? path("jwt", name, part, member)
          : written === undefined
            ? path("grant_type")
            : path("jwt", name);
        places.push({ at, names: jsonTemplateNames(value), beside: "jwt" });
      }
    }
  }
  return places;
}
