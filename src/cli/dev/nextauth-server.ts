// A stand-in of the nextAuth Server, for dev mode and tests: what its public REST description says of sessions and users, and the
// getToken call. Not a nextAuth Server.

import { Hono } from "hono";
import type { Value } from "../../core/values.ts";
import type { Binding } from "../../nextauth/binding.ts";
import { apikeyHeader, writeCall } from "../../nextauth/write-call.ts";

/** Who is logged in to a session: one account (an app on a device) of a user. */
export interface Account {
  /** Undefined for an account that no user is registered for yet. */
  userid: string | undefined;
  accountid: number;
}

/** A virtual server. */
export interface VirtualServer {
  /** Of the REST API. */
  apikey: string;
  /** Roles that its API key may act as (X-su). */
  roles?: readonly string[];
}

/** What the Mobile SDK hands to the app: the token service's answer, its bytes as the nextAuth Server received them. */
export interface TokenResult {
  status: number;
  contentType: string;
  bytes: Uint8Array;
}

/** How getToken is called: where, by which binding, and with which key. */
export interface TokenService {
  /** Without a path. */
  url: string;
  binding: Binding;
  apikey: string;
  /** Values of the binding beyond nextAuth's own. */
  extra?: Readonly<Record<string, Value>>;
}

export interface StandIn {
  /** The REST API. */
  fetch(request: Request): Promise<Response>;
  /** AppLogin: the user of an account logs in. Returns the session's nonce, which the app knows as its webNonce. */
  login(serverid: string, account: Account): string;
  /** As the REST call of that name. */
  logout(serverid: string, nonce: string): void;
  setUserAttributes(serverid: string, userid: string, attributes: Readonly<Record<string, string>>): void;
  /** What happens when the app of a session asks the SDK for a token. */
  getToken(serverid: string, nonce: string, service: TokenService): Promise<TokenResult>;
}

const NONCE_BYTES = 16;

export function createStandIn(servers: Readonly<Record<string, VirtualServer>>): StandIn {
  const sessions = new Map<string, Account>();
  const attributes = new Map<string, Readonly<Record<string, string>>>();
  const keyOf = (serverid: string, name: string) => JSON.stringify([serverid, name]);

  // Hono's own path is decoded once more than a serverid with a percent sign in it can bear.
  const app = new Hono({ getPath: ({ url }) => new URL(url).pathname });

  app.use("/servers/:serverid/*", async (c, next) => {
    const serverid = c.req.param("serverid");
    const server = Object.hasOwn(servers, serverid) ? servers[serverid] : undefined;
    if (server === undefined || c.req.header("x-apikey") !== server.apikey) {
      return c.json({ error: "invalid API key" }, 401);
    }
    const role = c.req.header("x-su");
    if (role !== undefined && server.roles?.includes(role) !== true) return c.json({ error: "permission" }, 403);
    return next();
  });

  app.get("/servers/:serverid/sessions/", (c) => {
    const nonce = c.req.header("x-nonce");
    if (nonce === undefined) return c.json({ error: "X-nonce is required" }, 400);
    const account = sessions.get(keyOf(c.req.param("serverid"), nonce));
    return c.json(loginStatus(account));
  });

  app.post("/servers/:serverid/sessions/logout", (c) => {
    const nonce = c.req.header("x-nonce");
    if (nonce === undefined) return c.json({ error: "X-nonce is required" }, 400);
    sessions.delete(keyOf(c.req.param("serverid"), nonce));
    return c.body(null, 200);
  });

  // Described as an array of all attributes, and set with a JSON object: so an object, as text/plain.
  app.get("/servers/:serverid/users/:userid/attributes/", (c) => {
    const found = attributes.get(keyOf(c.req.param("serverid"), c.req.param("userid")));
    return found === undefined ? c.text("user not found", 404) : c.text(JSON.stringify(found));
  });

  return {
    fetch: async (request) => app.fetch(request),
    login(serverid, account) {
      const nonce = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(NONCE_BYTES))));
      sessions.set(keyOf(serverid, nonce), account);
      return nonce;
    },
    logout: (serverid, nonce) => void sessions.delete(keyOf(serverid, nonce)),
    setUserAttributes: (serverid, userid, values) => void attributes.set(keyOf(serverid, userid), values),
    async getToken(serverid, nonce, service) {
      const account = sessions.get(keyOf(serverid, nonce));
      if (account?.userid === undefined) throw new Error("getToken is for sessions that a user is logged in to");
      const { userid, accountid } = account;
      const { method, url, headers, body } = getTokenRequest({ serverid, nonce, userid, accountid }, service);
      const response = await fetch(url, { method, headers, body: body ?? null });
      const contentType = response.headers.get("content-type") ?? "";
      return { status: response.status, contentType, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
  };
}

/** Every member of the description, as for a session of a browser that shows a QR code. */
function loginStatus(account: Account | undefined) {
  const common = { canprovoke: account !== undefined, hsid: "aHNpZA==", loginqrdata: "bG9naW5xcmRhdGE=" };
  if (account === undefined) return { loggedin: false, ...common };
  const { userid, accountid } = account;
  return { loggedin: true, accountid, pk: "cHVibGljIGtleQ==", ...(userid === undefined ? {} : { userid }), ...common };
}

/** The getToken call about a session, by a binding: those of its values that the binding has a place for. */
export function getTokenRequest(
  session: { serverid: string; nonce: string; userid: string; accountid: number },
  { url, binding, apikey, extra = {} }: TokenService,
) {
  const bound = Object.entries(session).filter(([name]) => Object.hasOwn(binding.values, name));
  const call = writeCall(binding, new Map([...bound, ...Object.entries(extra)]));
  return { ...call, url: url + call.path, headers: { ...apikeyHeader(binding, apikey), ...call.headers } };
}
