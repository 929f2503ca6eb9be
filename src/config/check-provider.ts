// Rules for a provider: keys that require or exclude each other.

import { HEADER_VALUE } from "../core/headers.ts";
import { credentialOf, HMAC_ALGORITHMS } from "../oauth/client-authentication.ts";
import { JWT_BEARER, TOKEN_EXCHANGE, USER_JWT } from "../oauth/grants.ts";
import { SIGNING_ALGORITHMS } from "../oauth/signing-key.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { JWT_PREFIX } from "../oauth/template-rules.ts";
import { checkTemplates, type Surroundings } from "./check-templates.ts";
import { below, type Report, suggestion } from "./faults.ts";
import { clientAssertion, type FileProvider } from "./schema-provider.ts";

/** Parameters that other keys set. A second way could put two authentications into a request. */
const RESERVED_PARAMS = new Map([
  ["grant_type", "grant_type"],
  ["scope", "scope"],
  ["client_id", "client_id"],
  ["client_secret", "client_secret with token_endpoint_auth_method: client_secret_post"],
  ["client_assertion", "token_endpoint_auth_method"],
  ["client_assertion_type", "token_endpoint_auth_method"],
]);

/** Headers that the request needs for itself, or that would be a second client authentication. */
const RESERVED_HEADERS = [
  ...["accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type"],
  ...["cookie", "expect", "host", "http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "te"],
  ...["trailer", "transfer-encoding", "upgrade", "user-agent"],
];

export function checkProvider(provider: FileProvider, around: Surroundings, report: Report): void {
  checkEndpoint(provider, report);
  checkClient(provider, around, report);
  const { issuer, token_endpoint, tls } = provider;
  if (tls?.certificate !== undefined && /^http:/i.test(token_endpoint ?? issuer ?? "")) {
    report(["tls", "certificate"], "is only sent over TLS, but the provider's URL is http; write an https URL");
  }
  checkParams(provider, below(report, "params"));
  checkHeaders(provider, below(report, "headers"));
  for (const [index, error] of provider.proxy_errors.entries()) {
    if (!provider.user_errors.some((other) => JSON.stringify(other) === JSON.stringify(error))) continue;
    report(["proxy_errors", index], "is also in user_errors; remove one of the two");
  }
  checkAnswer(provider, report);
  checkJwts(provider, around, report);
  checkTemplates(provider, around, report);
}

function checkEndpoint({ issuer, token_endpoint, discovery, metadata_url }: FileProvider, report: Report): void {
  if (issuer === undefined && token_endpoint === undefined) {
    report([], "needs issuer (to discover the token endpoint) or token_endpoint");
  }
  if (token_endpoint !== undefined && discovery !== undefined && discovery !== "none") {
    report(["discovery"], "has no effect with token_endpoint; remove one of the two");
  }
  if (token_endpoint === undefined && discovery === "none") {
    report(["discovery"], "is none, so token_endpoint is required");
  }
  if (metadata_url !== undefined && (token_endpoint !== undefined || issuer === undefined)) {
    report(["metadata_url"], "is for discovery, which needs issuer and no token_endpoint");
  }
}

function checkClient(provider: FileProvider, around: Surroundings, report: Report): void {
  const { client_id, client_secret, client_key, client_assertion, tls, token_endpoint_auth_method: method } = provider;
  const credential = credentialOf(method);
  const requires = (key: string) => report([], `needs ${key} for token_endpoint_auth_method: ${method}`);
  const excludes = (key: string) =>
    report([key], `is not used by token_endpoint_auth_method: ${method}; remove one of the two`, "key");

  const { file } = client_assertion ?? {};
  // The JWT in the file names the client by its sub.
  if (method !== "none" && client_id === undefined && file === undefined) report([], "needs client_id");
  if (credential === "secret" && client_secret.length === 0) requires("client_secret");
  if (credential === "key" && client_key.length === 0 && around.signing === null && file === undefined)
    requires("client_key or signing.keys");
  if (credential === "certificate" && (tls?.certificate ?? tls?.binding) === undefined) {
    requires("tls.certificate and tls.private_key (on Workers: tls.binding)");
  }
  if (credential !== "secret" && client_secret.length > 0) excludes("client_secret");
  if (credential !== "key" && client_key.length > 0) excludes("client_key");
  if (client_assertion !== undefined && !method.endsWith("_jwt")) excludes("client_assertion");
  else if (file !== undefined) checkAssertionFile(provider, below(report, "client_assertion"));
  else checkAssertionAlg(provider, around, below(report, "client_assertion", "alg"));
  if (method === "client_secret_basic_raw" && client_id?.includes(":")) {
    report(["client_id"], "must not contain a colon with client_secret_basic_raw; use client_secret_basic");
  }
}

function checkAssertionFile(provider: FileProvider, report: Report): void {
  const { aud = "", file: _file, ...others } = provider.client_assertion ?? {};
  const isDefault = JSON.stringify(others) === JSON.stringify(clientAssertion.parse({}));
  if (aud === "" || aud.includes("{{"))
    report(["aud"], "must be the only audience of the JWT in file, without templates");
  if (!isDefault) report([], "has a file, whose JWT is sent as it is; remove all other keys but aud");
  if (provider.client_key.length > 0 || provider.token_endpoint_auth_method !== "private_key_jwt") {
    report(["file"], "is for token_endpoint_auth_method: private_key_jwt without client_key; correct or remove them");
  }
}

function checkAssertionAlg(provider: FileProvider, { signing }: Surroundings, report: Report): void {
  const { client_assertion, client_key, token_endpoint_auth_method: method } = provider;
  const alg = client_assertion?.alg;
  if (alg === undefined) return;
  const allowed: readonly string[] = method === "client_secret_jwt" ? HMAC_ALGORITHMS : SIGNING_ALGORITHMS;
  const hasOwn = client_key.length > 0;
  const keys = hasOwn ? client_key : signing?.keys.filter(({ use }) => use === "sign");
  if (!allowed.includes(alg)) report([], `must be one of ${allowed.join(", ")} for ${method}`);
  else if (method === "private_key_jwt" && keys?.every((key) => key.alg !== alg)) {
    report([], `is ${alg}, but no key under ${hasOwn ? "client_key" : "signing.keys"} has this alg`);
  }
}

function checkParams({ params, grant_type }: FileProvider, report: Report): void {
  for (const name of Object.keys(params)) {
    const key = RESERVED_PARAMS.get(name);
    if (key !== undefined) report([name], `must not be a parameter here; use the key ${key}`, "key");
  }
  if (grant_type !== TOKEN_EXCHANGE) return;
  for (const name of ["subject_token", "actor_token"]) {
    if (params[name] === undefined || params[`${name}_type`] !== undefined) continue;
    report([name], `needs "params.${name}_type" as well (RFC 8693 section 2.1)`, "key");
  }
}

function checkHeaders({ headers }: FileProvider, report: Report): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  for (const [index, [name, value]] of Object.entries(headers).entries()) {
    const lower = names[index] as string;
    if (RESERVED_HEADERS.includes(lower)) report([name], "is set by this proxy; remove it", "key");
    if (names.indexOf(lower) < index) report([name], "occurs twice; header names are case-insensitive", "key");
    if (typeof value === "string" && !HEADER_VALUE.test(value.replaceAll(/\{\{.*?\}\}/g, "x"))) {
      report([name], "must be visible ASCII, without spaces at the start or end");
    }
  }
}

function checkAnswer({ answer, ...provider }: FileProvider, report: Report): void {
  if (answer.format !== "any") return;
  const problem = "cannot be checked with answer.format: any, because the body may not be JSON; remove one of the two";
  if (answer.require !== undefined) report(["answer", "require"], problem, "key");
  for (const [key, value] of Object.entries(provider)) {
    if (value !== undefined && /^(?:expect|forbid)_/.test(key)) report([key], problem, "key");
  }
}

function checkJwts(provider: FileProvider, { signing }: Surroundings, report: Report): void {
  const needed = jwtsNeeded(provider);
  for (const [name, { kid }] of Object.entries(provider.jwt)) {
    const meant = name === USER_JWT ? nearGrant(provider.grant_type) : undefined;
    if (!needed.includes(name) && meant !== undefined) {
      report(["grant_type"], `implies no JWT, so "jwt.${name}" is not used; did you mean "${meant}"?`);
    } else if (!needed.includes(name)) {
      report(["jwt", name], `is not used; write {{${JWT_PREFIX}${name}}} in params or headers, or remove it`, "key");
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
