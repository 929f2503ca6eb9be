// Finds risks in a file that works; config/risks.ts says why each of them is one.

import { statSync } from "node:fs";
import { nearGrant } from "../config/check-provider.ts";
import type { Path } from "../config/faults.ts";
import { isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { KINDS, kindOf } from "../oauth/kinds/index.ts";
import type { Asked } from "./check-advice.ts";
import type { Report } from "./report.ts";

const READABLE_BY_OTHERS = 0o004;

/** @param at its key; certificates and authorities are public */
export function checkSecretFile(path: string, at: Path, report: Report): void {
  const { mode = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (/^(?:certificate|ca|client_ca)$/.test(String(at.at(-1))) || (mode & READABLE_BY_OTHERS) === 0) return;
  report.part(at.filter((part) => typeof part === "string").join(".")).risk("readable_secret", `chmod o-r ${path}`);
}

const LONG_TIMEOUT_MS = 30_000;

export function checkTimeout(ms: number, report: Report): void {
  if (ms > LONG_TIMEOUT_MS) report.risk("long_timeout");
}

/** They compare the audience with their token endpoint, although RFC 10070 says the issuer. */
const NEEDS_TOKEN_ENDPOINT = /(?:^|\.)(?:okta(?:preview)?\.com|microsoftonline\.com)$/;

/** @param sent the values of the call that its tokens depend on; undefined if none is relayed */
export function checkProviderRisks({ settings, report }: Asked, metadata?: Metadata, sent?: readonly string[]) {
  const { client_assertion, answer, token_endpoint, issuer = "" } = settings;
  checkTimeout(settings.timeout, report);
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
