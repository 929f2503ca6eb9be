// What `check` finds out about the providers and nextAuth Servers of the file by asking them.

import { randomBytes } from "node:crypto";
import type { Credentials } from "../config/credentials.ts";
import type { Config } from "../config/parse.ts";
import type { NextAuthServer, NextAuthServers } from "../nextauth/servers.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { kindOf } from "../oauth/kinds/index.ts";
import type { Provider } from "../oauth/provider.ts";
import { tokensNeeded } from "../oauth/template-names.ts";
import { type Asked, explain } from "./check-advice.ts";
import { describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { checkTimeout } from "./check-risks.ts";
import { attempt, type Report } from "./report.ts";

const NONCE_BYTES = 16;

/**
 * Asks each nextAuth Server about a session that cannot exist: the answer "not logged in" shows
 * that it accepts the API key.
 */
export async function checkNextAuthServers(
  { nextauth }: Config,
  { all, defaultServerid }: NextAuthServers,
  credentials: Credentials,
  report: Report,
): Promise<void> {
  for (const [index, { url, serverid, serverids, timeout }] of nextauth.entries()) {
    const server = all[index] as NextAuthServer;
    const part = report.part(server.key, server.key, url);
    warnOfAuthorities("tls.ca", credentials.nextauth[index]?.tls?.ca, part);
    checkTimeout(timeout, part);
    const known = serverid ?? serverids?.[0] ?? defaultServerid;
    if (known === undefined) {
      part.ok("getSession", 'not checked, because the file names no serverid: add "serverid" or "serverids"');
      continue;
    }
    const nonce = randomBytes(NONCE_BYTES).toString("base64");
    const ask = () => server.getSession(known, nonce);
    await attempt(part, "getSession", ask, () => "answered");
  }
}

/** Describes one provider. @returns its metadata; undefined if discovery failed */
export async function checkProvider({ discovery, state }: Provider, asked: Asked): Promise<Metadata | undefined> {
  const { settings, credentials: own, report } = asked;
  const { token_endpoint_auth_method: method, token_endpoint = "", issuer = "", client_assertion } = settings;
  const keys = own.clientKeys.map(({ kid, alg }) => `${alg} ${kid}`).join(", ");
  const withKeys = credentialOf(method) === "key" ? ` with ${client_assertion.file ?? keys}` : "";
  report.ok("client", `${settings.client_id ?? "no client_id"}, ${method}${withKeys}`);
  describeCertificates(own.tls?.certificate, false, report);
  warnOfAuthorities("tls.ca", own.tls?.ca, report);
  report.ok("grant", settings.grant_type);
  const tokens = tokensNeeded(settings);
  if (tokens.length > 0) report.ok("contains", tokens.map(({ name }) => name).join(", "));
  if (settings.cache) report.ok("cache", "its token is kept, for the requests of other providers only");
  const { assertionFile } = own;
  if (assertionFile !== undefined) {
    const read = () => assertionFile.read(Date.now());
    await attempt(report, "assertion", read, () => `${assertionFile.describe()}, read`);
  }
  const { format, require } = settings.answer;
  report.ok("expects", format === "any" ? "a body of any kind" : `a JSON object with ${require.join(" and ")}`);
  if (discovery === undefined) {
    report.ok("token endpoint", `${token_endpoint} (from the file)`);
    return { issuer, token_endpoint };
  }
  report.ok("issuer", issuer);
  const metadata = await attempt(
    report,
    "token endpoint",
    () => discovery.refresh(settings.timeout),
    (found) => `${found.token_endpoint}, discovered`,
    (error) => explain(asked, error),
  );
  if (metadata === undefined) return undefined;
  if (state().clockSkew === undefined) {
    report.ok("clock", "not visible, because the provider sends no Date; --live reads the iat of its token");
  }
  const kind = settings.kind ?? kindOf(metadata);
  if (kind !== settings.kind)
    report.ok("advice", `it looks like ${kind}: set kind: ${kind}, so that we know its errors`);
  const algs =
    method === "client_secret_jwt" ? [client_assertion.alg ?? "HS256"] : own.clientKeys.map(({ alg }) => alg);
  const listed = [
    ["token_endpoint_auth_methods_supported", [method === "client_secret_basic_raw" ? "client_secret_basic" : method]],
    ["token_endpoint_auth_signing_alg_values_supported", isSigned(method) ? algs : []],
  ] as const;
  for (const [list, used] of listed) {
    // Only a warning, because a provider may support more than its metadata says.
    const missing = used.filter((one) => metadata[list]?.includes(one) === false).join(" and ");
    if (missing === "") continue;
    report.warn(`its ${list} lacks ${missing}`, `enable it there, or use one of ${metadata[list]?.join(", ")}`);
  }
  return metadata;
}

export function warnOfGrant({ settings: { grant_type }, report }: Asked, metadata: Metadata | undefined): void {
  if (metadata?.grant_types_supported?.includes(grant_type) !== false) return;
  report.warn(`its grant_types_supported lacks ${grant_type}`, "--live shows whether it works all the same");
}
