// Rules for a provider: keys that require or exclude each other.

import { HEADER_VALUE } from "../core/headers.ts";
import { suggestion } from "../core/suggestion.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../oauth/grants.ts";
import type { ProviderSettings } from "../oauth/provider-settings.ts";
import { HMAC_ALGORITHMS, UNREADABLE } from "../oauth/settings.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { checkTemplates, type Surroundings } from "./check-templates.ts";
import { below, type Report } from "./faults.ts";

/** Parameters that other keys set. A second way could put two authentications into a request. */
const RESERVED_PARAMS = /^(?:grant_type|scope|client_(?:id|secret|assertion|assertion_type))$/;

/** Headers that the request needs for itself, or that would be a second client authentication. */
const RESERVED_HEADERS = (
  "accept accept-encoding authorization connection content-encoding content-length content-type cookie expect host " +
  "http2-settings keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade user-agent"
).split(" ");

export function checkProvider(provider: ProviderSettings, around: Surroundings, report: Report): void {
  const { issuer, token_endpoint, discovery, tls } = provider;
  if (token_endpoint === undefined && (issuer === undefined || discovery === "none")) {
    report([], "needs token_endpoint, or issuer (without discovery: none) to discover it");
  }
  if (tls?.certificate !== undefined && /^http:/i.test(token_endpoint ?? issuer ?? "")) {
    report(["tls", "certificate"], "is only sent over TLS, but the provider's URL is http; write an https URL");
  }
  checkClient(provider, around, report);
  checkParams(provider, below(report, "params"));
  checkHeaders(provider, below(report, "headers"));
  checkAnswer(provider, report);
  checkJwts(provider, around, report);
  checkTemplates(provider, around, report);
}

function checkClient(provider: ProviderSettings, { signing }: Surroundings, report: Report): void {
  const { client_id, client_secret, client_key, client_assertion, tls, token_endpoint_auth_method: method } = provider;
  const { alg, aud, file } = client_assertion;
  const credential = credentialOf(method);
  const missing = {
    secret: client_secret.length === 0 && "client_secret",
    key: client_key.length === 0 && signing === null && file === undefined && "client_key or signing.keys",
    certificate: !(tls?.certificate ?? tls?.binding) && "tls.certificate and tls.private_key (on Workers: tls.binding)",
    nothing: false,
  }[credential];
  // The JWT in the file names the client by its sub.
  if (method !== "none" && client_id === undefined && file === undefined) report([], "needs client_id");
  if (missing !== false) report([], `needs ${missing} for token_endpoint_auth_method: ${method}`);
  const unused = `is not used by token_endpoint_auth_method: ${method}; remove one of the two`;
  if (credential !== "secret" && client_secret.length > 0) report(["client_secret"], unused, "key");
  if (credential !== "key" && client_key.length > 0) report(["client_key"], unused, "key");
  if (file !== undefined && (credential !== "key" || client_key.length > 0)) {
    report(["client_assertion", "file"], "is for private_key_jwt without client_key; remove one of the two", "key");
  }
  if (file !== undefined && aud.includes("{{")) {
    report(["client_assertion", "aud"], "must be the only audience of the JWT in file, without templates");
  }
  const keys = client_key.length > 0 ? client_key : signing?.keys.filter(({ use }) => use === "sign");
  const algs: readonly string[] | undefined = credential === "key" ? keys?.map((key) => key.alg) : HMAC_ALGORITHMS;
  if (alg !== undefined && isSigned(method) && file === undefined && algs?.includes(alg) === false) {
    report(["client_assertion", "alg"], `must be one that ${method} has here: ${algs.join(", ")}`);
  }
  if (method === "client_secret_basic_raw" && client_id?.includes(":")) {
    report(["client_id"], "must not contain a colon with client_secret_basic_raw; use client_secret_basic");
  }
}

function checkParams({ params, grant_type }: ProviderSettings, report: Report): void {
  for (const name of Object.keys(params)) {
    if (RESERVED_PARAMS.test(name))
      report([name], "is set by this proxy; use the key of that name, or token_endpoint_auth_method", "key");
  }
  if (grant_type !== TOKEN_EXCHANGE) return;
  for (const name of ["subject_token", "actor_token"]) {
    if (params[name] === undefined || params[`${name}_type`] !== undefined) continue;
    report([name], `needs "params.${name}_type" as well (RFC 8693 section 2.1)`, "key");
  }
}

function checkHeaders({ headers }: ProviderSettings, report: Report): void {
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED_HEADERS.includes(name.toLowerCase())) report([name], "is set by this proxy; remove it", "key");
    if (typeof value === "string" && !HEADER_VALUE.test(value.replaceAll(/\{\{.*?\}\}/g, "x"))) {
      report([name], "must be visible ASCII, without spaces at the start or end");
    }
  }
}

function checkAnswer({ answer, ...provider }: ProviderSettings, report: Report): void {
  for (const [key, value] of Object.entries(provider)) {
    if (answer.format === "any" && value !== undefined && /^(?:expect|forbid)_/.test(key))
      report([key], UNREADABLE, "key");
  }
}

function checkJwts(provider: ProviderSettings, { signing }: Surroundings, report: Report): void {
  const needed = jwtsNeeded(provider);
  for (const [name, { kid }] of Object.entries(provider.jwt)) {
    if (!needed.includes(name)) {
      report(["jwt", name], `is not used; write {{jwt.${name}}} in params or headers, or correct grant_type`, "key");
    }
    if (kid !== undefined && signing?.keys.every((key) => key.kid !== kid || key.use === "verify")) {
      report(["jwt", name, "kid"], "is not the kid of a key that signs under signing.keys");
    }
  }
  if (needed.length > 0 && signing === null) {
    report(["grant_type"], 'needs "signing", because the request contains a JWT signed by this proxy');
  }
}

const GRANTS = [
  ...["authorization_code", "client_credentials", "password", "refresh_token", JWT_BEARER, TOKEN_EXCHANGE],
  ...["urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba"],
];
const lastPart = (grant: string) => grant.split(":").at(-1) as string;

/** @returns the registered grant that looks like this one; undefined if it is registered itself */
export function nearGrant(written: string): string | undefined {
  const hint = suggestion(lastPart(written), GRANTS.map(lastPart));
  return GRANTS.includes(written) ? undefined : GRANTS.find((grant) => hint.includes(`"${lastPart(grant)}"`));
}
