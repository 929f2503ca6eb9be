// Rules for the templates of a provider: every name must have a value where it is used.

import { suggestion } from "../core/suggestion.ts";
import { allParams, templatesOf, USER_JWT } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import type { JwtSettings } from "../oauth/settings.ts";
import { type JsonValue, jsonTemplateNames } from "../oauth/template.ts";
import { ATTRIBUTE_PREFIX } from "../oauth/template-names.ts";
import { JWT_PREFIX, JWT_TEMPLATE_NAMES, OWN_NAMES, TOKEN_PREFIX } from "../oauth/template-rules.ts";
import type { Path, Report } from "./faults.ts";
import type { Config } from "./schema.ts";

/** What checks of one part need from others. A part at fault is assumed to have what is needed. */
export interface Surroundings {
  bindings: Config["get_token"] | undefined;
  servers: Config["nextauth"] | undefined;
  exchanges: Config["webnonce_exchange"] | undefined;
  /** Whether nextauth gives a serverid to calls without one. */
  defaultServerid: boolean;
  /** Every value that some call has; undefined if get_token is at fault. */
  callNames: readonly string[] | undefined;
  /** Null if the file has none, undefined if it is at fault. */
  signing: Config["signing"] | null;
  /** Undefined if an entry of providers may not be one. */
  providerNames: readonly string[] | undefined;
}

/** Only parameters and headers (`request`) can use `jwt.NAME`, and only JWTs iat and exp. */
type Kind = "request" | "jwt" | "other";

export function checkTemplates(provider: ProviderSettings, around: Surroundings, report: Report): void {
  const check = (kind: Kind, at: Path, value: JsonValue | undefined) => {
    for (const name of value === undefined ? [] : jsonTemplateNames(value)) {
      const problem = problemOf(name, kind, provider, around);
      report(at, problem && `uses {{${name}}}, ${problem}`);
    }
  };
  const checkJwt = (at: Path, jwt: Pick<JwtSettings, "header" | "claims">) => {
    for (const part of ["header", "claims"] as const) {
      for (const [member, value] of Object.entries(jwt[part])) check("jwt", [...at, part, member], value);
    }
  };

  const { params, headers, client_assertion, expect_subject, jwt } = provider;
  for (const [name, param] of Object.entries(allParams(provider))) {
    const isWritten = params[name] !== undefined;
    for (const [index, text] of templatesOf(param).entries()) {
      check("request", name === "scope" ? ["scope"] : isWritten ? ["params", name, index] : ["grant_type"], text);
    }
  }
  for (const [name, header] of Object.entries(headers)) check("request", ["headers", name], [...templatesOf(header)]);
  check("other", ["client_assertion", "aud"], client_assertion.aud);
  checkJwt(["client_assertion"], client_assertion);
  check("other", ["expect_subject"], expect_subject?.equals);
  // Without signing, checkJwts reports each JWT.
  for (const [name, one] of around.signing === null ? [] : Object.entries(jwt)) checkJwt(["jwt", name], one);
}

function problemOf(name: string, kind: Kind, provider: ProviderSettings, around: Surroundings): string | undefined {
  const { signing, callNames } = around;
  if (name === "issuer" && provider.issuer === undefined) return "but issuer is not set";
  if (name === "client_id" && provider.client_id === undefined) return "but client_id is not set";
  if (name === "signing.kid" && signing === null) return "but signing is not set";
  if (name === "signing_issuer" && signing !== undefined && signing?.issuer === undefined) {
    return "but signing.issuer is not set";
  }
  if (name.startsWith(ATTRIBUTE_PREFIX)) {
    if (around.servers?.length === 0) return 'which needs "nextauth", the server that knows the attributes';
    if (callNames === undefined || callNames.includes("serverid")) return undefined;
    return 'which needs a serverid; add it to "get_token.values" or set "nextauth.serverid"';
  }
  if (name.startsWith(TOKEN_PREFIX)) {
    const [, used = ""] = name.split(".");
    if (around.providerNames?.includes(used) !== false) return undefined;
    return `but there is no provider "${used}"${suggestion(used, around.providerNames)}`;
  }
  if (name.startsWith(JWT_PREFIX)) {
    if (kind !== "request") return "but a JWT can be used only in params and headers";
    const jwts = [USER_JWT, ...Object.keys(provider.jwt)].map((jwt) => JWT_PREFIX + jwt);
    return jwts.includes(name) ? undefined : `which is not under "jwt"${suggestion(name, jwts) || "; add it there"}`;
  }
  if (callNames === undefined) return undefined;
  const known = [...OWN_NAMES, ...callNames, ...(kind === "jwt" ? JWT_TEMPLATE_NAMES : [])];
  if (known.includes(name)) return undefined;
  return `which no call provides${suggestion(name, known) || '; add it to "get_token.values"'}`;
}
