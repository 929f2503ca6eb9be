// A stand-in for the nextAuth Server in dev mode, with one virtual server. It is not a nextAuth
// Server: it has only getSession, as the public REST description has it, and the getToken call.

import { randomBytes } from "node:crypto";

/** Who is logged in to a session. */
export interface Account {
  userid: string;
  accountid: number;
}

/** What the nextAuth Server knows of the proxy: its URL without a path, and the API key. */
export interface TokenService {
  url: string;
  apikey: string;
}

const NONCE_BYTES = 16;

/** @param apikey for the REST API */
export function createStandIn(serverid: string, apikey: string) {
  const sessions = new Map<string, Account>();
  const path = `/servers/${encodeURIComponent(serverid)}/sessions/`;

  return {
    /** The account of each session that is logged in, by nonce. */
    sessions,
    /** The REST API. */
    fetch: async ({ method, url, headers }: Request): Promise<Response> => {
      if (method !== "GET" || new URL(url).pathname !== path) return new Response("not found", { status: 404 });
      if (headers.get("x-apikey") !== apikey) return Response.json({ error: "invalid API key" }, { status: 401 });
      const nonce = headers.get("x-nonce");
      if (nonce === null) return Response.json({ error: "X-nonce is required" }, { status: 400 });
      return Response.json(loginStatus(sessions.get(nonce)));
    },
    /** A user logs in (AppLogin). @returns the session's nonce, the app's webNonce */
    login(account: Account): string {
      const nonce = randomBytes(NONCE_BYTES).toString("base64");
      sessions.set(nonce, account);
      return nonce;
    },
    /** What happens when the app of a session asks the SDK for a token. */
    async getToken(nonce: string, service: TokenService) {
      const account = sessions.get(nonce);
      if (account === undefined) throw new Error("getToken needs a session that is logged in");
      const { url, ...init } = getTokenRequest({ serverid, nonce, ...account }, service);
      const response = await fetch(url, init);
      const contentType = response.headers.get("content-type") ?? "";
      return { status: response.status, contentType, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
  };
}

/** Has every member of the description, like the session of a browser that shows a QR code. */
function loginStatus(account: Account | undefined) {
  const common = { canprovoke: account !== undefined, hsid: "aHNpZA==", loginqrdata: "bG9naW5xcmRhdGE=" };
  return account === undefined
    ? { loggedin: false, ...common }
    : { loggedin: true, ...account, pk: "cHVibGljIGtleQ==", ...common };
}

/** The call for a session, as the default binding reads it. */
export function getTokenRequest(
  { nonce, ...body }: Account & { serverid: string; nonce: string },
  { url, apikey }: TokenService,
) {
  return {
    method: "POST",
    url: `${url}/getToken`,
    headers: { "x-apikey": apikey, "x-nonce": nonce, "content-type": "application/json" },
    body: JSON.stringify(body),
  };
}
