// Risks of a file that works. It can accept each of them, by its name under `check.accept`.

import { statSync } from "node:fs";
import type { Config } from "../config/complete.ts";
import { type Path, suggestion } from "../config/faults.ts";
import { isLoopback } from "../core/url.ts";
import type { SessionMode } from "../nextauth/binding.ts";
import { isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { JWT_BEARER, TOKEN_EXCHANGE } from "../oauth/grants.ts";
import { KINDS, kindOf } from "../oauth/kinds/index.ts";
import { callNamesNeeded } from "../oauth/template-names.ts";
import type { Asked } from "./check-advice.ts";
import type { Report } from "./report.ts";

export function checkListeners({ listen, admin, tls }: Config["server"], report: Report): void {
  if (!isLoopback(listen.host) && tls === undefined) {
    const advice = "set server.tls, or accept this if only something with TLS on the same machine can connect";
    report.part("server.listen").risk("no_tls", "API keys and tokens pass the network without TLS", advice);
  }
  if (admin && /^(?:0\.0\.0\.0|::)$/.test(admin.host)) {
    const advice = "use loopback, or the address of a monitoring network";
    report
      .part("server.admin")
      .risk("admin_exposed", "server.admin, without authentication, is on every network", advice);
  }
}

export function checkSession(session: SessionMode, report: Report): void {
  if (session !== "trust") return;
  const text = "session: trust, so a stolen API key or certificate of a caller gets tokens for any user";
  report.risk("session_trust", text, "add nextauth, and use session: verify");
}

const READABLE_BY_OTHERS = 0o004;

/** @param at its key; certificates and authorities are public */
export function checkSecretFile(path: string, at: Path, report: Report): void {
  const { mode = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (/^(?:certificate|ca|client_ca)$/.test(String(at.at(-1))) || (mode & READABLE_BY_OTHERS) === 0) return;
  const text = `every user of this machine can read ${path}`;
  report
    .part(at.filter((part) => typeof part === "string").join("."))
    .risk("readable_secret", text, "chmod o-r takes that right away");
}

const LONG_TIMEOUT_MS = 30_000;

export function checkTimeout(ms: number, report: Report): void {
  if (ms <= LONG_TIMEOUT_MS) return;
  const text = `timeout is ${ms / 1_000} s: callers give up sooner, and a slow server holds all places`;
  report.risk("long_timeout", text, "use 30s at most");
}

/** They compare the audience with their token endpoint, although RFC 10070 says the issuer. */
const NEEDS_TOKEN_ENDPOINT = /(?:^|\.)(?:okta(?:preview)?\.com|microsoftonline\.com)$/;

/** @param isRelayed whether callers get its tokens */
export function checkProviderRisks({ settings, report }: Asked, metadata: Metadata | undefined, isRelayed: boolean) {
  const { client_assertion, grant_type, answer, token_endpoint, issuer = "" } = settings;
  checkTimeout(settings.timeout, report);
  const grant = nearGrant(grant_type);
  if (grant !== undefined) report.risk("grant_type", `"${grant_type}" looks misspelt`, `did you mean "${grant}"?`);
  const kind = settings.kind ?? (metadata && kindOf(metadata));
  const isNeeded = kind === "hydra" || NEEDS_TOKEN_ENDPOINT.test(new URL(token_endpoint ?? issuer).hostname);
  if (isSigned(settings.token_endpoint_auth_method) && client_assertion.aud === "{{token_endpoint}}" && !isNeeded) {
    const text = "client_assertion.aud is the token endpoint, so a server that poses as it can use our assertions";
    report.risk("assertion_aud", text, 'use "{{issuer}}" (RFC 10070), unless the provider refuses it');
  }
  if (!isRelayed) return;
  if (callNamesNeeded(settings).length === 0) {
    report.risk("same_token", "no value of the call is sent, so all users get the same rights", "send {{userid}}");
  } else if (settings.expect_subject === undefined && answer.format !== "any") {
    const claim = kind === undefined ? "sub" : KINDS[kind].userClaim;
    const advice = `set expect_subject, such as ${answer.require[0]}.${claim}`;
    report.risk("unchecked_user", "a token of another user would be relayed", advice);
  }
}

const GRANTS = [
  ...["authorization_code", "client_credentials", "password", "refresh_token", JWT_BEARER, TOKEN_EXCHANGE],
  ...["urn:ietf:params:oauth:grant-type:saml2-bearer", "urn:openid:params:grant-type:ciba"],
];
const lastPart = (grant: string) => grant.split(":").at(-1) as string;

/** @returns the registered grant that looks like this one; undefined if it is registered itself */
function nearGrant(written: string): string | undefined {
  if (GRANTS.includes(written)) return undefined;
  const hint = suggestion(lastPart(written), GRANTS.map(lastPart));
  return GRANTS.find((grant) => hint.includes(`"${lastPart(grant)}"`));
}
