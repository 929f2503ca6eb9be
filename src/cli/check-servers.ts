// What `check` finds out about the providers and nextAuth Servers of the file by asking them.

import type { Config, ProviderConfig } from "../config/complete.ts";
import type { Credentials } from "../config/credentials.ts";
import { type NextAuthServers, nextauthKey } from "../nextauth/servers.ts";
import { nodeIds } from "../node/host.ts";
import { credentialOf } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
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
    line(nextauthKey(index, nextauth.length), url);
    warnOfAuthorities("tls.ca", credentials.nextauth[index]?.tls?.ca);
    const known = serverid ?? serverids?.[0] ?? servers.defaultServerid;
    if (known === undefined) {
      line("  getSession", 'not checked, because the file names no serverid: add "serverid" or "serverids"');
      continue;
    }
    const nonce = Buffer.from(nodeIds.random(NONCE_BYTES)).toString("base64");
    const answered = await attempt("  getSession", async () => {
      await servers.all[index]?.getSession(known, nonce);
      return "answered";
    });
    succeeded = answered && succeeded;
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
  if (discovery === undefined) {
    line("  token endpoint", `${settings.token_endpoint} (from the file)`);
    return true;
  }
  line("  issuer", String(settings.issuer));
  let metadata: Metadata | undefined;
  const succeeded = await attempt("  token endpoint", async () => {
    metadata = await discovery.refresh(DISCOVERY_TIMEOUT_MS);
    return `${metadata.token_endpoint}, discovered`;
  });
  const registered = method === "client_secret_basic_raw" ? "client_secret_basic" : method;
  warnIfUnlisted(metadata, "grant_types_supported", settings.grant_type);
  warnIfUnlisted(metadata, "token_endpoint_auth_methods_supported", registered);
  return succeeded;
}

/** Only warns, because a provider may support more than its metadata says. */
function warnIfUnlisted(
  metadata: Metadata | undefined,
  list: "grant_types_supported" | "token_endpoint_auth_methods_supported",
  used: string,
): void {
  if (metadata?.[list]?.includes(used) !== false) return;
  line("  warning", `the provider's ${list} does not have ${used}: enable it there, or use one that is listed`);
}
