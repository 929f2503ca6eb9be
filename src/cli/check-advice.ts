// What a provider's answer probably means for this file, and which of its keys to change.

import type { TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { TransportRequest, TransportResponse } from "../core/transport.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import { plainMembers } from "../oauth/describe-token.ts";
import { redacted } from "../oauth/echoed-credential.ts";
import { compileErrorRules } from "../oauth/error-rules.ts";
import type { ProviderCredentials, ProviderSettings } from "../oauth/provider-settings.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { TOKEN_PARAMS } from "../oauth/token-request.ts";
import { adviseOnSilence } from "./check-certificates.ts";
import { codeOf, type Report } from "./report.ts";

/** The last request to a provider; its answer is missing if none came. */
export interface Exchange {
  request?: TransportRequest;
  response?: TransportResponse | undefined;
  /** With every provider: tokens of the others may be part of the request. */
  all: ReadonlyMap<unknown, Exchange>;
}

/** A provider that was asked, and where to report about it. */
export interface Asked {
  exchange: Exchange;
  settings: ProviderSettings;
  credentials: ProviderCredentials;
  /** Why our published keys could not be fetched, with their URL. */
  keysProblem?: string | undefined;
  report: Report;
}

/** What proved who we are in a request, and the secrets of the file. */
export function sentSecrets({ exchange, credentials: { secrets, placed } }: Asked): string[] {
  const { request, response: own, all } = exchange;
  const form = new URLSearchParams(request?.body);
  const sent = [
    ...SECRET_PARAMS.flatMap((name) => form.getAll(name)),
    request?.headers.authorization?.split(" ")[1] ?? "",
  ];
  const others = [...all.values()].flatMap(({ response }) =>
    Object.entries(plainMembers(response && response !== own ? readJsonObject(response.body) : {})),
  );
  const tokens = others.flatMap(([name, text]) => (name.endsWith("_token") ? [String(text)] : []));
  return [...sent, ...tokens, ...[...secrets, ...placed.values()].map((secret) => secret.reveal())];
}

/**
 * Reports the request and what the provider says.
 * @param error undefined if the provider refused the user
 * @returns what to do
 */
export async function explain(asked: Asked, error?: TokenProxyError): Promise<string[]> {
  const { settings, report } = asked;
  const { request, response } = asked.exchange;
  if (request === undefined) return [];
  const { method, url } = request;
  report.ok("request", `${method} ${url}${response === undefined ? "" : `: status ${response.status}`}`);
  if (response === undefined) {
    const discovery = settings.metadata_url === undefined ? "issuer" : "metadata_url";
    const key = method === "GET" ? discovery : "token_endpoint";
    const code = (error && (codeOf(error) ?? error.code)) ?? "";
    return [await adviseOnSilence(url, code, key, asked.credentials.proxyFor)];
  }
  const { issuer, provider_issuer: found } = error?.detail ?? {};
  const words = found === undefined ? wordsOf(response) : `issuer "${found}", but the file has "${issuer}"`;
  if (words !== "") report.ok("it says", redacted(words, sentSecrets(asked), []));
  if (method === "GET" || (error && error.code !== "provider_rejected_proxy" && response.status < 500)) return [];
  return adviceFor(response, asked);
}

const SECRET_PARAMS = [...TOKEN_PARAMS, "code", "password"];

/** RFC 6749's own sentences, which fosite puts in front: they name every cause there is. */
const BOILERPLATE = /\(e\.g\.[^)]*\)|The provided authorization grant .*? was issued to another client\./g;

/** Only the start of it is printed. */
const MAX_READ_BYTES = 4_096;

/** The `error` and its description, or all of anything else; never what may be a token. */
export function wordsOf({ status, body }: TransportResponse): string {
  const text = status < 400 ? "" : new TextDecoder().decode(body.subarray(0, MAX_READ_BYTES)).trim();
  const { error = text, error_description } = plainMembers(readJsonObject(body));
  const words = error_description === undefined ? String(error) : `${error}: ${error_description}`;
  return words.replace(BOILERPLATE, "…");
}

type Topic = readonly [words: RegExp, advice: string];

const REQUEST_TOPICS: readonly Topic[] = [
  [/scope/i, "scope: each word must exist at the provider and be allowed for this client"],
  [/unsupported_grant|unauthorized_client|grant[ _]type/i, "grant_type: is it spelt right? May this client use it?"],
];

const SIGNATURE = /signature(?! a)|public (?:key|jwk)|web key|\bkid\b|integrity/i;

/** AT is the key of the JWT's settings in the file, and so on. */
const JWT_TOPICS: readonly Topic[] = [
  [/\baud\b|audience/i, "AUD must be exactly what it expects: {{issuer}} or {{token_endpoint}}"],
  [/\biss\b|issuer/i, "iss, which is ISS by default, must be exactly what the provider knows"],
  [SIGNATURE, "it needs the key of KEYS: is its JWKS URL ours?"],
  [/\balg|algorithm|\b[EPRH]S\d{3}\b/i, "it must expect the alg of KEYS; another key or AT.alg changes that"],
  [/not active|expired|future|past|\b(?:exp|iat|nbf)\b/i, "compare clocks; AT.backdate and AT.ttl move iat and exp"],
  [/\b(?:jti|sub|exp|iat|typ|nbf)\b/, "jti, sub, exp, iat and typ are in AT.claims and AT.header"],
];

const COMPARE = {
  secret: "client_id and client_secret",
  key: "client_id, client_assertion.aud, client_assertion.claims, the alg and kid of KEYS, and the clock",
  certificate: "client_id and tls.certificate",
  nothing: "client_id",
};

function adviceFor(response: TransportResponse, { settings, keysProblem }: Asked): string[] {
  const { client_key, params, token_endpoint_auth_method: method } = settings;
  const { error = "", error_description = "" } = plainMembers(readJsonObject(response.body));
  const findRule = compileErrorRules(settings);
  const { about, advice: known = "", setting = "" } = findRule(String(error), String(error_description)) ?? {};
  const words = wordsOf(response);
  const saysClient =
    response.status === 401 || words === "" || /^invalid_client|client_assertion|client authentication/i.test(words);
  // UAA answers 401 to everything, which its kind knows.
  const isClient = about === "credential" || (about !== "proxy" && saysClient);
  const key = client_key.length > 0 ? "client_key" : "signing.keys";
  const own = method === "client_secret_jwt" ? "client_secret" : key;
  const user = `jwt.${jwtsNeeded(settings)[0]}`;
  const keys = isClient
    ? { AT: "client_assertion", AUD: "client_assertion.aud", ISS: "client_id", KEYS: own }
    : { AT: user, AUD: `${user}.claims.aud`, ISS: "signing.issuer", KEYS: "signing.keys" };
  const signs = isClient ? isSigned(method) : jwtsNeeded(settings).length > 0;
  if (isClient && settings.client_assertion.file !== undefined) {
    return ["the provider must trust the iss and sub of the JWT in client_assertion.file, and want its aud"];
  }
  // Keycloak says unauthorized_client for a wrong secret.
  const all = [...(about === "credential" ? [] : REQUEST_TOPICS), ...(signs ? JWT_TOPICS : [])];
  const filledIn = (text: string) =>
    text.replace(/\b(?:AT|AUD|ISS|KEYS)\b/g, (name) => keys[name as keyof typeof keys]);
  const topics = all.filter(([said]) => said.test(words)).map(([, advice]) => filledIn(advice));
  // What the kind says about a setting is more specific.
  const isNew = (advice: string) => !advice.split(/[\s,:;]+/).includes(setting);
  const isOurKey = isClient ? method === "private_key_jwt" : signs && SIGNATURE.test(words);
  const spelt = words.toLowerCase().replaceAll(" ", "_");
  const named = Object.keys(params).filter((name) => name.length > 3 && spelt.includes(name));
  const raw = method === "client_secret_basic" ? " (or client_secret_basic_raw, if it does not URL-decode them)" : "";
  const needs = `it must allow token_endpoint_auth_method ${method}${raw}`;
  return [
    ...(isOurKey && keysProblem ? [`it probably cannot fetch our keys, so start the proxy: ${keysProblem}`] : []),
    ...(known === "" ? [] : [known]),
    ...named.map((name) => `params.${name}: the provider names it`),
    ...topics.filter(isNew),
    ...(isClient ? [`compare ${COMPARE[credentialOf(method)]} with the provider's client; ${needs}`] : []),
    ...(/^(?:[a-z][\w.-]*(?::|$)|$)/.test(words) ? [] : ["token_endpoint: is it right? This is no OAuth error"]),
  ].map(filledIn);
}
