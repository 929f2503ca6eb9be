// Finds risks in a file that works; config/risks.ts says why each of them is one.

import { statSync } from "node:fs";
import { nearGrant } from "../config/check-provider.ts";
import type { Path } from "../config/faults.ts";
import type { Config } from "../config/parse.ts";
import { isLoopback } from "../core/url.ts";
import { nextauthKey } from "../nextauth/servers.ts";
import { isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { KINDS, kindOf } from "../oauth/kinds/index.ts";
import type { Asked } from "./check-advice.ts";
import type { Report } from "./report.ts";

const LONG_TIMEOUT_MS = 30_000;
const READABLE_BY_OTHERS = 0o004;

export function checkServiceRisks(config: Config, report: Report): void {
  const { server, get_token, webnonce_exchange, nextauth, providers } = config;
  const isPublic = !isLoopback(server.listen.host);
  if (get_token.some(({ session }) => session === "trust")) report.part("get_token").risk("session_trust");
  if (isPublic && server.tls === undefined) report.part("server.listen").risk("no_tls");
  if (/^(?:::ffff:)?[0:.]+$/.test(server.admin?.host ?? "")) report.part("server.admin").risk("admin_exposed");
  const timed = [
    ...get_token.map((one) => ["get_token", one] as const),
    ...webnonce_exchange.map((one) => ["webnonce_exchange", one] as const),
    ...nextauth.map((one, index) => [nextauthKey(index, nextauth.length), one] as const),
    ...Object.entries(providers).map(([name, one]) => [`providers.${name}`, one] as const),
  ];
  for (const [key, { timeout }] of timed) if (timeout > LONG_TIMEOUT_MS) report.part(key).risk("long_timeout");
  if (webnonce_exchange.length > 0 && isPublic && server.trusted_proxies.length === 0) {
    const cure = "if a load balancer is in front, add its address there, or all apps share one limit";
    report.part("server.trusted_proxies").warn("it is empty", cure);
  }
}

/** @param at its key; certificates and authorities are public */
export function checkSecretFile(path: string, at: Path, report: Report): void {
  const { mode = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (/^(?:certificate|ca|client_ca)$/.test(String(at.at(-1))) || (mode & READABLE_BY_OTHERS) === 0) return;
  report.part(at.filter((part) => typeof part === "string").join(".")).risk("readable_secret", `chmod o-r ${path}`);
}

/** They compare the audience with their token endpoint, although RFC 10070 says the issuer. */
const NEEDS_TOKEN_ENDPOINT = /(?:^|\.)(?:okta(?:preview)?\.com|microsoftonline\.com)$/;

/** @param sent the values of the call that its tokens depend on; undefined if none is relayed */
export function checkProviderRisks({ settings, report }: Asked, metadata?: Metadata, sent?: readonly string[]) {
  const { client_assertion, answer, token_endpoint, issuer = "" } = settings;
  const grant = nearGrant(settings.grant_type);
  if (grant !== undefined) report.risk("grant_type", `did you mean "${grant}"?`);
  const kind = settings.kind ?? (metadata && kindOf(metadata));
  const isNeeded = kind === "hydra" || NEEDS_TOKEN_ENDPOINT.test(new URL(token_endpoint ?? issuer).hostname);
  if (isSigned(settings.token_endpoint_auth_method) && client_assertion.aud === "{{token_endpoint}}" && !isNeeded) {
    report.risk("assertion_aud");
  }
  if (sent === undefined) return;
  if (sent.length === 0) report.risk("same_token");
  else if (settings.expect_subject === undefined && answer.format !== "any") {
    const claim = kind === undefined ? "sub" : KINDS[kind].userClaim;
    report.risk("unchecked_user", `set expect_subject, such as ${answer.require[0]}.${claim}`);
  }
}
