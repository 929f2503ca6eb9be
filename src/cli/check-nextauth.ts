// What `check` finds out about the nextAuth Servers of the file: whether each answers getSession with this API key.

import type { Config } from "../config/complete.ts";
import type { Credentials } from "../config/credentials.ts";
import { TokenProxyError } from "../core/errors.ts";
import { type NextAuthServers, nextauthKey } from "../nextauth/servers.ts";
import { nodeClock, nodeIds } from "../node/host.ts";
import { warnOfAuthorities } from "./check-certificates.ts";
import { explain, line } from "./report.ts";

const NONCE_BYTES = 16;

/**
 * Asks each about a session that cannot exist: whoever answers that nobody is logged in to it is a nextAuth Server, and takes the
 * API key.
 * @returns whether all of them did
 */
export async function checkNextAuthServers(
  { nextauth }: Config,
  servers: NextAuthServers,
  credentials: Credentials,
): Promise<boolean> {
  let well = true;
  for (const [index, { url, serverid, serverids }] of nextauth.entries()) {
    line(nextauthKey(index, nextauth.length), url);
    warnOfAuthorities("tls.ca", credentials.nextauth[index]?.tls?.ca, nodeClock.now());
    const asked = serverid ?? serverids?.[0] ?? servers.defaultServerid;
    if (asked === undefined) {
      line("  getSession", "not asked: no serverid in the file to ask about");
      continue;
    }
    const nonce = Buffer.from(nodeIds.random(NONCE_BYTES)).toString("base64");
    const started = nodeClock.elapsed();
    try {
      await servers.all[index]?.getSession(asked, nonce);
      line("  getSession", `answered in ${Math.round(nodeClock.elapsed() - started)} ms`);
    } catch (error) {
      if (!(error instanceof TokenProxyError)) throw error;
      line("  FAILED", explain(error));
      well = false;
    }
  }
  return well;
}
