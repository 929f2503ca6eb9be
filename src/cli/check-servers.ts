// What `check` finds out about the providers and nextAuth Servers of the file by asking them.

import { randomBytes } from "node:crypto";
import type { Credentials } from "../config/credentials.ts";
import type { Config } from "../config/parse.ts";
import type { TokenProxyError } from "../core/errors.ts";
import type { NextAuthCredentials, NextAuthServer, NextAuthServers } from "../nextauth/servers.ts";
import { credentialOf, isSigned } from "../oauth/client-authentication.ts";
import type { Metadata } from "../oauth/discovery.ts";
import { kindOf } from "../oauth/kinds/index.ts";
import type { Provider } from "../oauth/provider.ts";
import { tokensNeeded } from "../oauth/template-names.ts";
import { type Asked, explain } from "./check-advice.ts";
import { adviseOnSilence, describeCertificates } from "./check-certificates.ts";
import { attempt, codeOf, listed, type Report } from "./report.ts";

const NONCE_BYTES = 16;

/**
 * Asks each nextAuth Server about a session that cannot exist: the answer "not logged in" shows
 * that it accepts the API key.
 */
export async function checkNextAuthServers(
  { nextauth }: Config,
  credentials: Credentials["nextauth"],
  { all, defaultServerid }: NextAuthServers,
  report: Report,
) {
  for (const [index, { url, serverid, serverids }] of nextauth.entries()) {
    const server = all[index] as NextAuthServer;
    const part = report.part(server.key, server.key, url);
    const known = serverid ?? serverids?.[0] ?? defaultServerid;
    if (known === undefined) {
      part.ok("getSession", 'not checked, because the file names no serverid: add "serverid" or "serverids"');
      continue;
    }
    const nonce = randomBytes(NONCE_BYTES).toString("base64");
    const ask = () => server.getSession(known, nonce);
    const advise = async (error: TokenProxyError) => {
      const code = codeOf(error) ?? (error.code === "session_check_timeout" ? error.code : undefined);
      const { proxyFor } = credentials[index] as NextAuthCredentials;
      return code === undefined ? [] : [await adviseOnSilence(url, code, `${server.key}.url`, proxyFor)];
    };
    await attempt(part, "getSession", ask, () => "answered", advise);
  }
}

/** Describes one provider. @returns its metadata; undefined if discovery failed */
export async function checkProvider({ discovery, state }: Provider, asked: Asked): Promise<Metadata | undefined> {
  const { settings, credentials: own, report } = asked;
  const { client_id, token_endpoint_auth_method: method, grant_type, issuer, token_endpoint, answer, cache } = settings;
  const keys = credentialOf(method) === "key" ? own.clientKeys.map(({ kid, alg }) => `${alg} ${kid}`) : [];
  const contains = tokensNeeded(settings).map(({ name }) => name);
  report.ok("client", listed({ client_id, method, keys, grant_type, contains, ...answer, cache }));
  const count = keys.length + own.secrets.length;
  if (count > 1) report.ok("rotation", `${count} credentials, tried in this order`);
  describeCertificates(own.tls?.certificate, false, report);
  const { assertionFile } = own;
  if (assertionFile !== undefined) {
    const read = () => assertionFile.read(Date.now());
    await attempt(report, "assertion", read, () => `${assertionFile.describe()}, read`);
  }
  if (discovery === undefined) {
    report.ok("token endpoint", `${token_endpoint} (from the file)`);
    return { issuer: String(issuer), token_endpoint: String(token_endpoint) };
  }
  report.ok("issuer", String(issuer));
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
  return metadata;
}

/** Only warns, because a provider may support more than its metadata says. */
export function compareMetadata({ settings, credentials, report }: Asked, metadata?: Metadata, isGranted = false) {
  const { token_endpoint_auth_method: method, grant_type, client_assertion } = settings;
  const algs = credentials.clientKeys.map(({ alg }) => alg as string);
  if (method === "client_secret_jwt") algs.push(client_assertion.alg ?? "HS256");
  const used = {
    grant_types_supported: isGranted ? [] : [grant_type], // Hydra never lists jwt-bearer
    token_endpoint_auth_methods_supported: [method.replace("_raw", "")],
    token_endpoint_auth_signing_alg_values_supported: isSigned(method) ? algs : [],
  };
  for (const list of Object.keys(used) as (keyof typeof used)[]) {
    const missing = used[list].filter((one) => metadata?.[list]?.includes(one) === false).join(" and ");
    const cure = `enable it there, use one of ${metadata?.[list]?.join(", ")}, or see with --live if it works`;
    if (missing !== "") report.warn(`its ${list} lacks ${missing}`, cure);
  }
}
