// Risks of a file that works. The file can accept each by its name, under `check.accept`.

import { statSync } from "node:fs";
import type { Config, ProviderConfig } from "../config/complete.ts";
import { suggestion } from "../config/faults.ts";
import type { Risk } from "../config/schema.ts";
import { isLoopback } from "../core/url.ts";
import { nextauthKey } from "../nextauth/servers.ts";
import { isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../oauth/grants.ts";
import { KINDS, kindOf } from "../oauth/kinds/index.ts";
import { callNamesNeeded } from "../oauth/template-names.ts";
import type { Report } from "./report.ts";

/** A secret that was read from a file, at this key. */
export interface SecretFile {
  key: string;
  path: string;
}

type Add = (risk: Risk, subject: string, message: string, advice: string) => void;

/** @param discovered the metadata of each provider */
export function reportRisks(
  config: Config,
  files: readonly SecretFile[],
  discovered: ReadonlyMap<string, Metadata | undefined>,
  report: Report,
): void {
  const { accept } = config.check;
  const found: Parameters<Add>[] = [];
  const add: Add = (...risk) => found.push(risk);
  findServiceRisks(config, add);
  for (const { key, path } of files) {
    if ((statSync(path).mode & READABLE_BY_OTHERS) === 0) continue;
    add("readable_secret", key, `every user of this machine can read ${path}`, "take that right away, with chmod o=");
  }
  const relayed = [...config.routes, ...config.get_token, ...config.webnonce_exchange].map(({ provider }) => provider);
  for (const [name, settings] of Object.entries(config.providers)) {
    findProviderRisks(`providers.${name}`, settings, discovered.get(name), relayed.includes(name), add);
  }
  const open = found.filter(([risk]) => !accept.includes(risk));
  if (found.length > 0) {
    const accepted = `${found.length - open.length} accepted`;
    report.ok("risks", `${open.length}, and ${accepted}; to accept one, add its name to check.accept in the file`);
  }
  for (const [risk, subject, message, advice] of open) report.part(subject).risk(risk, message, advice);
}

const READABLE_BY_OTHERS = 0o004;
const LONG_TIMEOUT_MS = 30_000;

function findServiceRisks({ server, get_token, webnonce_exchange, nextauth, providers }: Config, add: Add): void {
  const { listen, admin, tls } = server;
  const keyOf = (key: string, index: number, { length }: readonly unknown[]) => (length > 1 ? `${key}[${index}]` : key);
  for (const [index, { session }] of get_token.entries()) {
    if (session !== "trust") continue;
    const message = "session: trust, so a stolen API key or certificate of a caller gets tokens for any user";
    add("session_trust", keyOf("get_token", index, get_token), message, "add nextauth, and use session: verify");
  }
  if (admin && /^(?:0\.0\.0\.0|::)$/.test(admin.host)) {
    const advice = "use the address of a monitoring network, or loopback";
    add("admin_exposed", "server.admin", "it has no authentication, and listens on every network", advice);
  }
  if (!isLoopback(listen.host) && tls === undefined) {
    const advice = "set server.tls, or accept this if something in front of it on the same machine has TLS";
    add("no_tls", "server.listen", "API keys and tokens pass the network without TLS", advice);
  }
  const limits = [
    ...get_token.map(({ timeout }, index) => [keyOf("get_token", index, get_token), timeout] as const),
    ...webnonce_exchange.map(
      ({ timeout }, index) => [keyOf("webnonce_exchange", index, webnonce_exchange), timeout] as const,
    ),
    ...nextauth.map(({ timeout }, index) => [nextauthKey(index, nextauth.length), timeout] as const),
    ...Object.entries(providers).map(([name, { timeout }]) => [`providers.${name}`, timeout] as const),
  ];
  for (const [key, timeout] of limits) {
    if (timeout <= LONG_TIMEOUT_MS) continue;
    const message = `${timeout / 1_000} s: callers give up sooner, and a slow server then holds all places`;
    add("long_timeout", `${key}.timeout`, message, "use 30s at most");
  }
}

/** Servers that compare the audience with their token endpoint, although RFC 10070 forbids it. */
const NEEDS_TOKEN_ENDPOINT = /(?:\.|^)(?:okta(?:preview)?\.com|microsoftonline\.com)$/;

/** @param isRelayed whether apps get its tokens */
function findProviderRisks(
  key: string,
  settings: ProviderConfig,
  metadata: Metadata | undefined,
  isRelayed: boolean,
  add: Add,
): void {
  const { client_assertion, grant_type, answer, expect_subject, token_endpoint, issuer } = settings;
  const kind = settings.kind ?? (metadata && kindOf(metadata));
  const grant = nearGrant(grant_type);
  if (grant !== undefined) add("grant_type", `${key}.grant_type`, "it looks misspelt", `did you mean "${grant}"?`);
  const { hostname } = new URL(token_endpoint ?? issuer ?? "");
  const isNeeded = kind === "hydra" || NEEDS_TOKEN_ENDPOINT.test(hostname);
  if (isSigned(settings.token_endpoint_auth_method) && client_assertion.aud === "{{token_endpoint}}" && !isNeeded) {
    const message =
      "{{token_endpoint}}, so another server that this client uses could obtain an assertion for this one";
    add(
      "assertion_aud",
      `${key}.client_assertion.aud`,
      message,
      'use "{{issuer}}" (RFC 10070), unless the provider refuses it',
    );
  }
  if (!isRelayed) return;
  if (callNamesNeeded(settings).length === 0) {
    add("same_token", key, "no value of the call is sent, so every user gets the same rights", "send {{userid}}");
  } else if (expect_subject === undefined && answer.format !== "any") {
    const claim = kind === undefined ? "sub" : KINDS[kind].userClaim;
    const advice = `set expect_subject, such as ${answer.require[0]}.${claim}`;
    add("unchecked_user", key, "a token of another user would be relayed", advice);
  }
}

const GRANTS = [
  ...["authorization_code", "client_credentials", "password", "refresh_token", JWT_BEARER, TOKEN_EXCHANGE],
  "urn:ietf:params:oauth:grant-type:saml2-bearer",
  "urn:ietf:params:oauth:grant-type:device_code",
  "urn:openid:params:grant-type:ciba",
];
const lastPart = (grant: string) => grant.split(":").at(-1) as string;

/** @returns the registered grant that looks like this one, which differs from all of them */
function nearGrant(written: string): string | undefined {
  if (GRANTS.includes(written)) return undefined;
  const hint = suggestion(lastPart(written), GRANTS.map(lastPart));
  return GRANTS.find((grant) => hint.includes(`"${lastPart(grant)}"`));
}
