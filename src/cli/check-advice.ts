// What a provider's answer probably means for this file, and which of its keys to change.

import { decodeJwt, decodeProtectedHeader } from "jose";
import type { ProviderConfig } from "../config/complete.ts";
import type { TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { CreateTransport, TransportRequest, TransportResponse } from "../core/transport.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import { repeatsCredential } from "../oauth/echoed-credential.ts";
import type { ProviderCredentials } from "../oauth/provider-settings.ts";
import { jwtsNeeded } from "../oauth/template-names.ts";
import { adviseOnSilence } from "./check-certificates.ts";
import { line } from "./report.ts";

/** The last request to a provider; its answer is missing if none came. */
export interface Exchange {
  request?: TransportRequest;
  response?: TransportResponse | undefined;
}

/** Errors do not repeat what a provider says, so `check` listens. */
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
  const said = wordsOf(response);
  const form = new URLSearchParams(body);
  const sent = [...SECRET_PARAMS.flatMap((name) => form.getAll(name)), headers.authorization?.split(" ")[1] ?? ""];
  const repeats = repeatsCredential(said, [...sent, ...[...secrets, ...placed.values()].map((one) => one.reveal())]);
  if (said !== "") line("  it says", repeats ? "(left out, because it repeats a credential)" : said);
  if (method === "GET") return;
  if (error?.code === "provider_wrong_endpoint" || error?.code === "provider_redirected") {
    line("  advice", "this is not a token endpoint: correct token_endpoint, or leave it out and let discovery find it");
  } else if (error === undefined || error.code === "provider_rejected_proxy") {
    for (const advice of adviceFor(said, response.status, form, settings)) line("  advice", advice);
  }
}

const SECRET_PARAMS = ["client_assertion", "assertion", "subject_token", "actor_token", "code", "password"];
const MAX_WORDS_CHARS = 300;

/** The `error` and its description, or the start of anything else. */
export function wordsOf({ body }: TransportResponse): string {
  const { error = new TextDecoder().decode(body).trim(), error_description } = readJsonObject(body) ?? {};
  return (error_description === undefined ? `${error}` : `${error}: ${error_description}`).slice(0, MAX_WORDS_CHARS);
}

type Advice = readonly [about: RegExp, advice: string];

const ABOUT_THE_REQUEST: readonly Advice[] = [
  [/scope/i, "scope: each word must exist at the provider and be allowed for this client"],
  [
    /unsupported_grant|unauthorized_client|grant[ _]type/i,
    "grant_type: is it spelt right, and allowed for this client?",
  ],
];

/** For a JWT of ours: AT is replaced by its key in the file, and so on. */
const ABOUT_A_JWT: readonly Advice[] = [
  [/\baud\b|audience/i, "AUD is compared letter by letter: write one of {{issuer}} and {{token_endpoint}}"],
  [/\biss\b|issuer/i, "iss, which is ISS by default, must be exactly what the provider knows"],
  [
    /signature|public key|jwks?\b|json web key|\bkid\b|integrity/i,
    "the key of KEYS: the provider must know its public half, by this kid",
  ],
  [
    /\balg|algorithm|\b[EPRH]S\d{3}\b/i,
    "alg: the provider must expect the one of KEYS for this client; AT.alg or another key changes it",
  ],
  [
    /not active|expired|in the (?:future|past)|too far|\bexp\b|\biat\b|\bnbf\b/i,
    "compare the provider's clock with ours; AT.backdate and AT.ttl move iat and exp",
  ],
  [/\b(?:jti|sub|exp|iat|typ|nbf)\b/, "jti, sub, exp, iat and typ come from AT.claims and AT.header"],
];

/** RFC 6749's own sentences, which some servers put in front, name every cause there is. */
const BOILERPLATE = /\(e\.g\.[^)]*\)|The provided authorization grant .*? was issued to another client\./g;

function adviceFor(said: string, status: number, form: URLSearchParams, settings: ProviderConfig): string[] {
  const words = said.replace(BOILERPLATE, "");
  const isClient = status === 401 || /^invalid_client|client_assertion/.test(words);
  const matching = (table: readonly Advice[]) =>
    table.filter(([about]) => about.test(words)).map(([, advice]) => advice);
  const params = Object.keys(settings.params).filter(
    (name) => name.length > 3 && words.replaceAll(" ", "_").includes(name),
  );
  const [user] = jwtsNeeded(settings);
  const clientKeys = settings.client_key.length > 0 ? "client_key" : "signing.keys";
  const jwts = [
    ["client_assertion", { AT: "client_assertion", AUD: "client_assertion.aud", ISS: "client_id", KEYS: clientKeys }],
    [
      form.has("assertion") ? "assertion" : "subject_token",
      { AT: `jwt.${user}`, AUD: `jwt.${user}.claims.aud`, ISS: "signing.issuer", KEYS: "signing.keys" },
    ],
  ] as const;
  const advice = jwts.flatMap(([param, names], index) => {
    const jwt = readJwt(form.get(param));
    if (jwt === undefined || (index === 1 && (user === undefined || isClient))) return [];
    line("  sent", `${names.AT} ${JSON.stringify(jwt)}`);
    return matching(ABOUT_A_JWT).map((text) =>
      text.replace(/\b(?:AT|AUD|ISS|KEYS)\b/g, (name) => names[name as keyof typeof names]),
    );
  });
  return [
    ...matching(ABOUT_THE_REQUEST),
    ...params.map((name) => `the provider names params.${name}`),
    ...advice,
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
