// The embedded stand-in of the nextAuth Server of dev mode: one user who is logged in, and the getToken call. Not a nextAuth Server.

import { Hono } from "hono";

/** The session of an app whose user is logged in, in the words of LoginStatus. */
export interface DevSession {
  serverid: string;
  nonce: string;
  userid: string;
  accountid: number;
}

/** What the Mobile SDK hands to the app: the token service's answer as the nextAuth Server received it. */
export interface TokenResult {
  status: number;
  bytes: Uint8Array;
}

export interface DevNextAuthServer {
  fetch(request: Request): Response | Promise<Response>;
  /** What happens when the app asks the SDK for a token: getToken is called, by the default binding. */
  getToken(): Promise<TokenResult>;
}

export function createDevNextAuthServer(
  session: DevSession,
  apikey: string,
  callProxy: (init: { headers: Record<string, string>; body: string }) => Promise<Response>,
): DevNextAuthServer {
  const app = new Hono();

  // getSession of the public REST API, mind the trailing slash. Hono gives the serverid decoded.
  app.get("/servers/:serverid/sessions/", (c) => {
    if (c.req.header("x-apikey") !== apikey) return c.body(null, 401);
    const { serverid, nonce, userid, accountid } = session;
    if (c.req.param("serverid") !== serverid || c.req.header("x-nonce") !== nonce) return c.json({ loggedin: false });
    return c.json({ loggedin: true, userid, accountid });
  });

  return {
    fetch: app.fetch,
    async getToken() {
      const response = await callProxy(getTokenCall(session, apikey));
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
  };
}

/** The call by the default binding. */
export function getTokenCall({ serverid, nonce, userid, accountid }: DevSession, apikey: string) {
  return {
    headers: { "X-apikey": apikey, "X-nonce": nonce, "Content-Type": "application/json" },
    body: JSON.stringify({ serverid, userid, accountid }),
  };
}
