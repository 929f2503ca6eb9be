// What `check` finds out about the providers and nextAuth Servers of the file by asking them.

import { randomBytes } from "node:crypto";
import type { Config, ProviderConfig } from "../config/complete.ts";
import type { Credentials } from "../config/credentials.ts";
import type { NextAuthServer, NextAuthServers } from "../nextauth/servers.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import type { Provider } from "../oauth/provider.ts";
import { describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { attempt, line } from "./report.ts";

const DISCOVERY_TIMEOUT_MS = 10_000;
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

/** Describes one provider, with its discovery. @returns whether that succeeded */
export async function checkProvider(
  { name, discovery }: Provider,
  settings: ProviderConfig,
  credentials: Credentials,
): Promise<boolean> {
  line("provider", name);
  const method = settings.token_endpoint_auth_method;
  const { clientKeys = [], tls } = credentials.providers.get(name) ?? {};
  const keys = clientKeys.map(({ kid, alg }) => `${alg} ${kid}`).join(", ");
  const withKeys = credentialOf(method) === "key" ? ` with ${keys}` : "";
  line("  client", `${settings.client_id ?? "no client_id"}, ${method}${withKeys}`);
  describeCertificates("  certificate", tls?.certificate, false);
  warnOfAuthorities("tls.ca", tls?.ca);
  line("  grant", settings.grant_type);
  const { format, require } = settings.answer;
  line("  expects", format === "any" ? "a body of any kind" : `a JSON object with ${require.join(" and ")}`);
  // Issuers with metadata mostly issue JWTs; for others, --live shows what the token is.
  if (discovery !== undefined) adviseExpectSubject(settings);
  if (discovery === undefined) {
    line("  token endpoint", `${settings.token_endpoint} (from the file)`);
    return true;
  }
  line("  issuer", String(settings.issuer));
  const metadata = await attempt(
    "  token endpoint",
    () => discovery.refresh(DISCOVERY_TIMEOUT_MS),
    ({ token_endpoint }) => `${token_endpoint}, discovered`,
  );
  const listed = [
    ["grant_types_supported", settings.grant_type],
    ["token_endpoint_auth_methods_supported", method === "client_secret_basic_raw" ? "client_secret_basic" : method],
  ] as const;
  for (const [list, used] of listed) {
    // Only a warning, because a provider may support more than its metadata says.
    if (metadata?.[list]?.includes(used) !== false) continue;
    line("  warning", `the provider's ${list} does not have ${used}: enable it there, or use one that is listed`);
  }
  return metadata !== undefined;
}

/** For a provider whose tokens are probably JWTs. */
export function adviseExpectSubject({ expect_subject, answer }: ProviderConfig): void {
  if (expect_subject !== undefined || answer.format === "any") return;
  line("  advice", `set expect_subject, such as ${answer.require[0]}.sub, to relay no token of another user`);
}
