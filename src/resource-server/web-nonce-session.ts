// The middleware for webNonces: asks the nextAuth Server for the session of every request.

import type { MiddlewareHandler } from "hono";
import { TokenProxyError } from "../core/errors.ts";
import { createFetchTransport } from "../core/fetch-transport.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import { Secret } from "../core/secret.ts";
import { issuerUrlFault } from "../core/url.ts";
import { createNextAuthClient } from "../nextauth/client.ts";
import { isFault, readValue } from "../nextauth/values.ts";
import { checkNumber, checkText, createGuard, type GuardOptions, Refusal, readBearer, unavailable } from "./bearer.ts";

export interface WebNonceSessionOptions extends GuardOptions {
  /** The nextAuth Server's REST API; https, or http on loopback. */
  url: string;
  /** The API key of the virtual server, with the permission 'sessions'. */
  apikey: string;
  /** The virtual server whose sessions are accepted. */
  serverid: string;
  /** The role to act as (header X-su). */
  su?: string | undefined;
  /** Milliseconds for one getSession with its answer; 2000 by default. */
  timeout?: number | undefined;
}

export interface WebNonceSessionEnv {
  Variables: {
    userid: string;
    /** getSession does not always answer with one. */
    accountid: number | undefined;
  };
}

/**
 * Accepts a request whose webNonce, in `Authorization: Bearer` or `X-nonce`, belongs to a session
 * that is logged in, and sets `c.var.userid` and `c.var.accountid`. Otherwise answers 400 or 401
 * (RFC 6750 section 3), or 503 if the nextAuth Server gives no usable answer; `c.error` has the
 * reason.
 *
 * @throws {TypeError} if an option is missing or invalid
 */
export function webNonceSession(options: WebNonceSessionOptions): MiddlewareHandler<WebNonceSessionEnv> {
  const { url, apikey, serverid, su, timeout = 2_000 } = options;
  checkText("url", url, issuerUrlFault);
  checkText("apikey", apikey, headerFault);
  checkText("serverid", serverid, (text) => {
    const read = readValue("serverid", text, false);
    return isFault(read) ? read.fault : undefined;
  });
  checkNumber("timeout", timeout, 1);
  if (su !== undefined) checkText("su", su, headerFault);
  const settings = { url: url.replace(/\/+$/, ""), su, timeout };
  const clock = { elapsed: () => performance.now() };
  const transport = createFetchTransport(options.fetch ?? fetch, clock.elapsed);
  const client = createNextAuthClient(settings, new Secret(apikey), new URL(url).host, transport, clock);

  const guard = createGuard<WebNonceSessionEnv>(readWebNonce, async (c, webNonce) => {
    if (isFault(readValue("nonce", webNonce, false))) {
      throw new Refusal("invalid_token", "the webNonce has the wrong form");
    }
    const session = await client.getSession(serverid, webNonce).catch((error) => {
      throw error instanceof TokenProxyError ? unavailable("the nextAuth Server", error) : error;
    });
    if (!session.loggedin) throw new Refusal("invalid_token", "the session is not logged in");
    c.set("userid", session.userid);
    c.set("accountid", session.accountid);
  });

  return (c, next) =>
    guard(c, async () => {
      await next();
      // Without Authorization (RFC 9111 section 3.5), shared caches could give it to another user.
      if (!c.res.headers.has("Cache-Control")) c.header("Cache-Control", "private");
    });
}

function headerFault(text: string): string | undefined {
  return HEADER_VALUE.test(text) ? undefined : "must be visible ASCII";
}

function readWebNonce(headers: Headers): string | undefined {
  const bearer = readBearer(headers);
  const nonce = headers.get("x-nonce") ?? bearer;
  if (bearer !== undefined && bearer !== nonce) {
    throw new Refusal("invalid_request", "Authorization and X-nonce have different webNonces");
  }
  return nonce;
}
