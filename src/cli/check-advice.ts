// What a provider's answer probably means for this file, and which of its keys to change.

import { decodeJwt, decodeProtectedHeader } from "jose";
import type { ProviderConfig } from "../config/complete.ts";
import type { TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { CreateTransport, TransportRequest, TransportResponse } from "../core/transport.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import { createRedaction } from "../oauth/echoed-credential.ts";
import { compileErrorRules } from "../oauth/error-rules.ts";
import type { ProviderCredentials } from "../oauth/provider-settings.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { adviseOnSilence } from "./check-certificates.ts";
import { line } from "./report.ts";

/** The last request to a provider; its answer is missing if none came. */
export interface Exchange {
  request?: TransportRequest;
  response?: TransportResponse | undefined;
}

/** Errors do not repeat all that a provider says, so `check` listens. */
export function recordInto(exchange: Exchange, createTransport: CreateTransport): CreateTransport {
  return (settings) => {
    const send = createTransport(settings);
    return async (request) => {
      Object.assign(exchange, { request, response: undefined });
      exchange.response = await send(request);
      return exchange.response;
    };
  };
}

/** @param error undefined if the provider refused the user */
export async function explain(
  { request, response }: Exchange,
  error: TokenProxyError | undefined,
  settings: ProviderConfig,
  { secrets, placed }: ProviderCredentials,
): Promise<void> {
  if (request === undefined) return;
  const { method, url, body, headers } = request;
  line("  request", `${method} ${url}${response === undefined ? "" : `: status ${response.status}`}`);
  if (response === undefined) {
    const key = method === "POST" ? "token_endpoint" : settings.metadata_url === undefined ? "issuer" : "metadata_url";
    return line("  advice", await adviseOnSilence(url, error?.cause, key));
  }
  const form = new URLSearchParams(body);
  const sent = [...SECRET_PARAMS.flatMap((name) => form.getAll(name)), headers.authorization?.split(" ")[1] ?? ""];
  const redact = createRedaction([...sent, ...[...secrets, ...placed.values()].map((secret) => secret.reveal())], []);
  const words = wordsOf(response);
  if (words !== "") line("  it says", redact(words));
  const isAboutUs = error === undefined || error.code === "provider_rejected_proxy" || response.status >= 500;
  if (method === "GET" || !isAboutUs) return;
  for (const advice of adviceFor(response, form, settings)) line("  advice", advice);
}

const SECRET_PARAMS = ["client_assertion", "assertion", "subject_token", "actor_token", "code", "password"];

/** The `error` and its description, or the start of anything else. */
export function wordsOf({ body }: TransportResponse): string {
  const { error = new TextDecoder().decode(body).trim(), error_description } = readJsonObject(body) ?? {};
  return error_description === undefined ? String(error) : `${error}: ${error_description}`;
}

type Advice = readonly [about: RegExp, advice: string];

const ABOUT_THE_REQUEST: readonly Advice[] = [
  [/scope/i, "scope: each word must exist at the provider and be allowed for this client"],
  [
    /unsupported_grant|unauthorized_client|grant[ _]type/i,
    "grant_type: is it spelt right and allowed for this client?",
  ],
];

/** For a JWT of ours. AT, AUD, ISS and KEYS become its keys in the file. */
const ABOUT_A_JWT: readonly Advice[] = [
  [/\baud\b|audience/i, "AUD is compared letter by letter: use {{issuer}} or {{token_endpoint}}"],
  [/\biss\b|issuer/i, "iss, which is ISS by default, must be exactly what the provider knows"],
  [/signature|public key|jwk|json web key|\bkid\b|integrity/i, "the provider must know this key of KEYS by its kid"],
  [/\balg|algorithm|\b[EPRH]S\d{3}\b/i, "the provider must expect the alg of KEYS; another key or AT.alg changes it"],
  [
    /not active|expired|future|past|\b(?:exp|iat|nbf)\b/i,
    "compare the clocks; AT.backdate and AT.ttl move iat and exp",
  ],
  [/\b(?:jti|sub|exp|iat|typ|nbf)\b/, "jti, sub, exp, iat and typ are in AT.claims and AT.header"],
];

/** RFC 6749's own sentences, which some servers put in front, name every cause there is. */
const BOILERPLATE = /\(e\.g\.[^)]*\)|The provided authorization grant .*? was issued to another client\./g;

function adviceFor(response: TransportResponse, form: URLSearchParams, settings: ProviderConfig): string[] {
  const { client_key, client_secret, params } = settings;
  const { error, error_description } = readJsonObject(response.body) ?? {};
  const words = wordsOf(response).replace(BOILERPLATE, "");
  const isClient = response.status === 401 || /^invalid_client|client_assertion/.test(words);
  const matching = (table: readonly Advice[]) => table.filter(([about]) => about.test(words)).map(([, text]) => text);
  const [user] = jwtsNeeded(settings);
  const clientKeys = client_key.length > 0 ? "client_key" : "signing.keys";
  const jwts = [
    ["client_assertion", "client_assertion", "client_assertion.aud", "client_id", clientKeys],
    ...(user === undefined || isClient
      ? []
      : ["assertion", "subject_token"].map((param) => [
          param,
          `jwt.${user}`,
          `jwt.${user}.claims.aud`,
          "signing.issuer",
          "signing.keys",
        ])),
  ] as const;
  const aboutJwts = jwts.flatMap(([param, AT, AUD, ISS, KEYS]) => {
    const jwt = readJwt(form.get(param));
    if (jwt === undefined) return [];
    line("  sent", `${AT} ${JSON.stringify(jwt)}`);
    return matching(ABOUT_A_JWT).map((text) =>
      text.replace(/\b(?:AT|AUD|ISS|KEYS)\b/g, (name) => ({ AT, AUD, ISS, KEYS })[name] as string),
    );
  });
  const known = compileErrorRules(settings)(String(error), String(error_description ?? ""))?.advice;
  if (known?.includes(": see ") && !isClient) return [known];
  const named = Object.keys(params).filter((name) => name.length > 3 && words.replaceAll(" ", "_").includes(name));
  return [
    ...(known === undefined || (known.includes("client_secret") && client_secret.length === 0) ? [] : [known]),
    ...matching(ABOUT_THE_REQUEST),
    ...named.map((name) => `params.${name}: the provider names it`),
    ...aboutJwts,
    ...(isClient ? [clientAdvice(settings, clientKeys)] : []),
  ];
}

/** Header and claims; undefined for anything but a JWT. */
export function readJwt(token: unknown): Record<string, unknown> | undefined {
  try {
    return { ...decodeProtectedHeader(token as string), ...decodeJwt(token as string) };
  } catch {
    return undefined;
  }
}

function clientAdvice({ token_endpoint_auth_method: method }: ProviderConfig, keys: string): string {
  const compare = {
    secret: "client_id and client_secret",
    key: `client_id, client_assertion.aud, the alg and kid of ${keys}, and the clock`,
    certificate: "client_id and tls.certificate",
    nothing: "client_id",
  }[credentialOf(method)];
  return `compare ${compare} with the provider's client, which must have token_endpoint_auth_method ${method}`;
}
