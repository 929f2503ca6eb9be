// A stand-in for the nextAuth Server in dev mode and tests: sessions and users as its public REST
// description has them, and the getToken call. It is not a nextAuth Server.

import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import type { Value } from "../../core/values.ts";
import type { Binding } from "../../nextauth/binding.ts";
import { apikeyHeader, writeCall } from "../../nextauth/write-call.ts";

/** An app on a device that is logged in to a session. */
export interface Account {
  /** Undefined if no user is registered for the account yet. */
  userid: string | undefined;
  accountid: number;
}

export interface VirtualServer {
  /** For its REST API. */
  apikey: string;
  /** Roles that the API key may act as (X-su). */
  roles?: readonly string[];
}

/** What the SDK gives the app: the response to getToken as the nextAuth Server received it. */
export interface TokenResult {
  status: number;
  contentType: string;
  bytes: Uint8Array;
}

/** The proxy as the nextAuth Server knows it. */
export interface TokenService {
  /** Without a path. */
  url: string;
  binding: Binding;
  apikey: string;
  /** Values of the binding besides nextAuth's. */
  extra?: Readonly<Record<string, Value>>;
}

export type StandIn = ReturnType<typeof createStandIn>;

const NONCE_BYTES = 16;

/** @param servers the virtual servers by their serverid */
export function createStandIn(servers: Readonly<Record<string, VirtualServer>>) {
  const sessions = new Map<string, Account>();
  const attributes = new Map<string, Readonly<Record<string, string>>>();
  const keyOf = (serverid: string, name: string) => JSON.stringify([serverid, name]);

  // Hono's own getPath would decode a serverid with a percent sign twice.
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
  app.use("/servers/:serverid/sessions/*", async (c, next) =>
    c.req.header("x-nonce") === undefined ? c.json({ error: "X-nonce is required" }, 400) : next(),
  );
  app.get("/servers/:serverid/sessions/", (c) =>
    c.json(loginStatus(sessions.get(keyOf(c.req.param("serverid"), c.req.header("x-nonce") ?? "")))),
  );
  app.post("/servers/:serverid/sessions/logout", (c) => {
    sessions.delete(keyOf(c.req.param("serverid"), c.req.header("x-nonce") ?? ""));
    return c.body(null, 200);
  });
  // The description has an array as text/plain here, but setUserAttributes takes an object.
  app.get("/servers/:serverid/users/:userid/attributes/", (c) => {
    const found = attributes.get(keyOf(c.req.param("serverid"), c.req.param("userid")));
    return found === undefined ? c.text("user not found", 404) : c.text(JSON.stringify(found));
  });

  return {
    /** The REST API. */
    fetch: async (request: Request): Promise<Response> => app.fetch(request),
    /** A user logs in (AppLogin). @returns the session's nonce, the app's webNonce */
    login(serverid: string, account: Account): string {
      const nonce = randomBytes(NONCE_BYTES).toString("base64");
      sessions.set(keyOf(serverid, nonce), account);
      return nonce;
    },
    logout: (serverid: string, nonce: string) => void sessions.delete(keyOf(serverid, nonce)),
    setUserAttributes: (serverid: string, userid: string, values: Readonly<Record<string, string>>) =>
      void attributes.set(keyOf(serverid, userid), values),
    /** What happens when the app of a session asks the SDK for a token. */
    async getToken(serverid: string, nonce: string, service: TokenService): Promise<TokenResult> {
      const { userid, accountid } = sessions.get(keyOf(serverid, nonce)) ?? {};
      if (userid === undefined || accountid === undefined) throw new Error("getToken needs a session of a user");
      const { method, url, headers, body = null } = getTokenRequest({ serverid, nonce, userid, accountid }, service);
      const response = await fetch(url, { method, headers, body });
      const contentType = response.headers.get("content-type") ?? "";
      return { status: response.status, contentType, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
  };
}

/** Has every member of the description, like the session of a browser that shows a QR code. */
function loginStatus(account: Account | undefined) {
  const common = { canprovoke: account !== undefined, hsid: "aHNpZA==", loginqrdata: "bG9naW5xcmRhdGE=" };
  // JSON leaves out a userid that is undefined.
  return account === undefined
    ? { loggedin: false, ...common }
    : { loggedin: true, ...account, pk: "cHVibGljIGtleQ==", ...common };
}

/** The getToken call for a session, with those values that the binding has a place for. */
export function getTokenRequest(
  session: { serverid: string; nonce: string; userid: string; accountid: number },
  { url, binding, apikey, extra = {} }: TokenService,
) {
  const bound = Object.entries(session).filter(([name]) => Object.hasOwn(binding.values, name));
  const call = writeCall(binding, new Map([...bound, ...Object.entries(extra)]));
  return { ...call, url: url + call.path, headers: { ...apikeyHeader(binding, apikey), ...call.headers } };
}
