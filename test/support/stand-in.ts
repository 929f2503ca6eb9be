// The stand-in for the nextAuth Server that tests use: several virtual servers of dev mode in one,
// and the rest of the public REST description that the proxy relies on: roles, logout, attributes.

import { Hono } from "hono";
import { type Account, createStandIn } from "../../src/cli/dev/nextauth-server.ts";

export interface VirtualServer {
  /** For its REST API. */
  apikey: string;
  /** Roles that the API key may act as (X-su). */
  roles?: readonly string[];
}

/** What the nextAuth Server knows of the proxy: its URL without a path, and the API key. */
export interface TokenService {
  url: string;
  apikey: string;
}

export type StandIn = ReturnType<typeof createVirtualServers>;

/** @param servers by their serverid */
export function createVirtualServers(servers: Readonly<Record<string, VirtualServer>>) {
  const standIns = new Map(
    Object.entries(servers).map(([serverid, server]) => {
      const attributes = new Map<string, Readonly<Record<string, string>>>();
      return [serverid, { ...server, ...createStandIn(server.apikey), attributes }];
    }),
  );
  function at(serverid: string) {
    const found = standIns.get(serverid);
    if (found === undefined) throw new Error(`the stand-in has no virtual server ${serverid}`);
    return found;
  }

  // Hono's own getPath would decode a serverid with a percent sign twice.
  const app = new Hono({ getPath: ({ url }) => new URL(url).pathname });
  app.use("/servers/:serverid/*", async (c, next) => {
    const server = standIns.get(c.req.param("serverid"));
    if (server === undefined || c.req.header("x-apikey") !== server.apikey) {
      return c.json({ error: "invalid API key" }, 401);
    }
    const role = c.req.header("x-su");
    if (role !== undefined && server.roles?.includes(role) !== true) return c.json({ error: "permission" }, 403);
    return next();
  });
  app.get("/servers/:serverid/sessions/", (c) => at(c.req.param("serverid")).fetch(c.req.raw));
  app.post("/servers/:serverid/sessions/logout", (c) => {
    const nonce = c.req.header("x-nonce");
    if (nonce === undefined) return c.json({ error: "X-nonce is required" }, 400);
    at(c.req.param("serverid")).sessions.delete(nonce);
    return c.body(null, 200);
  });
  // The description has an array as text/plain here, but setUserAttributes takes an object.
  app.get("/servers/:serverid/users/:userid/attributes/", (c) => {
    const found = at(c.req.param("serverid")).attributes.get(c.req.param("userid"));
    return found === undefined ? c.text("user not found", 404) : c.text(JSON.stringify(found));
  });

  return {
    /** The REST API. */
    fetch: async (request: Request): Promise<Response> => app.fetch(request),
    /** A user logs in (AppLogin). @returns the session's nonce, the app's webNonce */
    login: (serverid: string, account: Account) => at(serverid).open(serverid, account),
    logout: (serverid: string, nonce: string) => void at(serverid).sessions.delete(nonce),
    setUserAttributes: (serverid: string, userid: string, values: Readonly<Record<string, string>>) =>
      void at(serverid).attributes.set(userid, values),
    /** What happens when the app of a session asks the SDK for a token. */
    async getToken(serverid: string, nonce: string, { url, apikey }: TokenService) {
      const response = await fetch(`${url}/getToken`, {
        method: "POST",
        headers: { "x-apikey": apikey, "x-nonce": nonce, "content-type": "application/json" },
        body: JSON.stringify({ serverid, ...at(serverid).sessions.get(nonce)?.account }),
      });
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
  };
}
