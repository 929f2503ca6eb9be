// The middleware for webNonces: asks the nextAuth Server whose session it is, for every request anew.

import type { MiddlewareHandler } from "hono";
import { TokenProxyError } from "../core/errors.ts";
import { createFetchTransport } from "../core/fetch-transport.ts";
import { Secret } from "../core/secret.ts";
import { issuerUrlFault } from "../core/url.ts";
import { createNextAuthClient, type NextAuthClient } from "../nextauth/client.ts";
import { isFault, readValue } from "../nextauth/values.ts";
import { isMalformed, type Malformed, readBearer } from "./bearer.ts";
import { DEFAULT_REALM, headerFault, millisecondsFault, realmFault, requireOption, textFault } from "./options.ts";
import { createRefusals } from "./refusal.ts";

export interface WebNonceSessionOptions {
  /** Of the nextAuth Server's REST API; https, http on loopback alone. */
  url: string;
  /** The key of the virtual server, with the permission 'sessions'. */
  apikey: string;
  /** The virtual server whose sessions are accepted. */
  serverid: string;
  /** The role to act as (header X-su). */
  su?: string | undefined;
  /** Milliseconds for one getSession, its answer included; 2000 by default. */
  timeout?: number | undefined;
  /** Of the challenge in WWW-Authenticate. */
  realm?: string | undefined;
  /** In place of the global fetch: a service binding, for example. It must follow the signal that it is given. */
  fetch?: typeof fetch | undefined;
}

export interface WebNonceSessionEnv {
  Variables: {
    userid: string;
    /** Optional in what getSession answers. */
    accountid: number | undefined;
  };
}

/**
 * Lets a request pass whose webNonce, in `Authorization: Bearer` or `X-nonce`, is that of a session which is logged in, and sets
 * `c.var.userid` and `c.var.accountid`. Otherwise 400 or 401 (RFC 6750 §3), or 503 where the nextAuth Server does not tell; the
 * reason of a 503 is in `c.error`.
 *
 * @throws {TypeError} for options that cannot be meant
 */
export function webNonceSession(options: WebNonceSessionOptions): MiddlewareHandler<WebNonceSessionEnv> {
  const { serverid, realm = DEFAULT_REALM } = options;
  requireOption("serverid", textFault(serverid, serveridFault));
  requireOption("realm", realmFault(realm));
  const client = createClient(options);
  const refusals = createRefusals(realm);

  return async (c, next) => {
    const webNonce = readWebNonce(c.req.raw.headers);
    if (webNonce === undefined) return refusals.noCredential(c);
    if (isMalformed(webNonce)) return refusals.invalidRequest(c, webNonce.malformed);
    if (isFault(readValue("nonce", webNonce, false))) {
      return refusals.invalidToken(c, "the webNonce is none that a session can have");
    }
    try {
      const status = await client.getSession(serverid, webNonce);
      if (!status.loggedin) return refusals.invalidToken(c, "the session is not logged in");
      c.set("userid", status.userid);
      c.set("accountid", status.accountid);
    } catch (error) {
      if (!(error instanceof TokenProxyError)) throw error;
      return refusals.unavailable(c, "the nextAuth Server does not tell whether the session is logged in", error);
    }
    await next();
    // Only a request with Authorization is kept out of shared caches by itself (RFC 9111 §3.5). With X-nonce a cache in
    // between might give the answer for one user to the next.
    if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "private");
  };
}

const DEFAULT_TIMEOUT_MS = 2_000;

function createClient(options: WebNonceSessionOptions): NextAuthClient {
  const { url, apikey, su, timeout = DEFAULT_TIMEOUT_MS } = options;
  requireOption("url", textFault(url, issuerUrlFault));
  requireOption("apikey", headerFault(apikey));
  if (su !== undefined) requireOption("su", headerFault(su));
  requireOption("timeout", millisecondsFault(timeout, 1));
  const settings = { url: url.replace(/\/+$/, ""), su, timeout };
  return createNextAuthClient(
    settings,
    new Secret(apikey),
    new URL(url).host,
    createFetchTransport(options.fetch ?? fetch),
    { elapsed: () => performance.now() },
  );
}

function serveridFault(serverid: string): string | undefined {
  const read = readValue("serverid", serverid, false);
  return isFault(read) ? read.fault : undefined;
}

function readWebNonce(headers: Headers): string | Malformed | undefined {
  const bearer = readBearer(headers);
  const nonce = headers.get("x-nonce");
  if (nonce === null || isMalformed(bearer)) return bearer;
  // Hexadecimal and base64 have no comma: it comes from two headers that were joined.
  if (nonce === "" || nonce.includes(",")) return { malformed: "X-nonce must hold exactly one webNonce" };
  if (bearer !== undefined && bearer !== nonce) {
    return { malformed: "Authorization and X-nonce must not carry different webNonces" };
  }
  return nonce;
}
