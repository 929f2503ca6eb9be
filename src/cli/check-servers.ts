// What `check` finds out about the providers and nextAuth Servers of the file by asking them.

import { randomBytes } from "node:crypto";
import type { Config, ProviderConfig } from "../config/complete.ts";
import type { Credentials } from "../config/credentials.ts";
import type { NextAuthServer, NextAuthServers } from "../nextauth/servers.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { KINDS, kindOf } from "../oauth/kinds/index.ts";
import type { Provider } from "../oauth/provider.ts";
import type { ProviderCredentials } from "../oauth/provider-settings.ts";
import { tokensNeeded } from "../oauth/template-names.ts";
import { type Exchange, explain } from "./check-advice.ts";
import { describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { attempt, line } from "./report.ts";

const NONCE_BYTES = 16;

/**
 * Asks each nextAuth Server about a session that cannot exist: the answer "not logged in" shows
 * that it accepts the API key.
 * @returns whether all of them answered
 */
export async function checkNextAuthServers(
  { nextauth }: Config,
  servers: NextAuthServers,
  credentials: Credentials,
): Promise<boolean> {
  let succeeded = true;
  for (const [index, { url, serverid, serverids }] of nextauth.entries()) {
    const server = servers.all[index] as NextAuthServer;
    line(server.key, url);
    warnOfAuthorities("tls.ca", credentials.nextauth[index]?.tls?.ca);
    const known = serverid ?? serverids?.[0] ?? servers.defaultServerid;
    if (known === undefined) {
      line("  getSession", 'not checked, because the file names no serverid: add "serverid" or "serverids"');
      continue;
    }
    const nonce = randomBytes(NONCE_BYTES).toString("base64");
    const answered = await attempt(
      "  getSession",
      () => server.getSession(known, nonce),
      () => "answered",
    );
    if (answered === undefined) succeeded = false;
  }
  return succeeded;
}

/** Describes one provider. @returns its metadata; undefined if discovery failed */
export async function checkProvider(
  { name, discovery, state }: Provider,
  settings: ProviderConfig,
  credentials: Credentials,
  exchange: Exchange,
): Promise<Metadata | undefined> {
  const own = credentials.providers.get(name) as ProviderCredentials;
  const { token_endpoint_auth_method: method, token_endpoint = "", issuer = "", client_assertion } = settings;
  line("provider", name);
  const keys = own.clientKeys.map(({ kid, alg }) => `${alg} ${kid}`).join(", ");
  const withKeys = credentialOf(method) === "key" ? ` with ${client_assertion.file ?? keys}` : "";
  line("  client", `${settings.client_id ?? "no client_id"}, ${method}${withKeys}`);
  describeCertificates("  certificate", own.tls?.certificate, false);
  warnOfAuthorities("tls.ca", own.tls?.ca);
  line("  grant", settings.grant_type);
  const tokens = tokensNeeded(settings);
  if (tokens.length > 0) line("  contains", tokens.map(({ name }) => name).join(", "));
  if (settings.cache) line("  cache", "its token is kept, for the requests of other providers only");
  const { format, require } = settings.answer;
  line("  expects", format === "any" ? "a body of any kind" : `a JSON object with ${require.join(" and ")}`);
  if (discovery === undefined) {
    line("  token endpoint", `${token_endpoint} (from the file)`);
    return { issuer, token_endpoint };
  }
  line("  issuer", issuer);
  const metadata = await attempt(
    "  token endpoint",
    () => discovery.refresh(settings.timeout),
    (found) => `${found.token_endpoint}, discovered`,
    (error) => explain(exchange, error, settings, own),
  );
  if (metadata === undefined) return undefined;
  if (state().clockSkew === undefined) {
    line("  clock", "not visible, because the provider sends no Date; --live reads the iat of its token");
  }
  const kind = settings.kind ?? kindOf(metadata);
  if (kind !== settings.kind) line("  advice", `it looks like ${kind}: set kind: ${kind}, so that we know its errors`);
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
    line("  warning", `its ${list} lacks ${missing}: enable it there, or use one of ${metadata[list]?.join(", ")}`);
  }
  const claim = kind === undefined ? "sub" : KINDS[kind].userClaim;
  if (settings.expect_subject === undefined && format !== "any" && !settings.cache) {
    line("  advice", `set expect_subject, such as ${require[0]}.${claim}, so that no token of another user is relayed`);
  }
  return metadata;
}

/** @returns whether there is none, or it can be used */
export async function checkAssertionFile({ assertionFile }: ProviderCredentials): Promise<boolean> {
  if (assertionFile === undefined) return true;
  const read = () => assertionFile.read(Date.now());
  return (await attempt("  assertion", read, () => `${assertionFile.describe()}, read`)) !== undefined;
}

export function warnOfGrant(name: string, { grant_type }: ProviderConfig, metadata: Metadata | undefined): void {
  if (metadata?.grant_types_supported?.includes(grant_type) !== false) return;
  line("warning", `grant_types_supported of ${name} lacks ${grant_type}: --live shows whether it works all the same`);
}
