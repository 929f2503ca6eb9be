// A resource server, with a nextAuth Server in memory.

import { Hono } from "hono";
import { type WebNonceSessionOptions, webNonceSession } from "../../src/resource-server/index.ts";
import { type FakeFetch, fakeFetch, showReason } from "./fake-fetch.ts";

export const NONCE = "9f86d081884c7d659a2feaa0c55ad015";
/** A LoginStatus. */
export const LOGGED_IN = { loggedin: true, userid: "alice@bank.example", accountid: 7, hsid: "x", canprovoke: true };

export const answering = (status: unknown) => fakeFetch(() => Response.json(status));

/** @returns sends a request to a resource server that responds with userid and accountid */
export function resourceServer(
  { fetch }: FakeFetch,
  options: Partial<WebNonceSessionOptions> = {},
): (headers: Record<string, string>, path?: string) => Promise<Response> {
  const middleware = webNonceSession({
    url: "https://ns-api.bank.example/",
    apikey: "apikey-of-the-virtual-server",
    serverid: "a+b/c==",
    fetch,
    ...options,
  });
  const app = new Hono()
    .use(showReason, middleware)
    .get("/", ({ json, var: { userid, accountid } }) => json({ userid, accountid: accountid ?? "none" }))
    .get("/cached", (c) => c.text("", 200, { "Cache-Control": "max-age=60" }));
  return async (headers, path = "/") => app.request(path, { headers });
}
