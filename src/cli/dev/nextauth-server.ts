// A stand-in for the nextAuth Server in dev mode. It is not a nextAuth Server: it has only
// getSession and getUserAttributes, as the public REST description has them.

import { randomBytes } from "node:crypto";

/** Who is logged in to a session. */
export interface Account {
  userid: string;
  accountid?: number | undefined;
}

interface Session {
  serverid: string;
  /** Undefined before the login. */
  account: Account | undefined;
  /** Of its user. */
  attributes: Readonly<Record<string, string>>;
}

export type StandIn = ReturnType<typeof createStandIn>;

const NONCE_BYTES = 16;
const PATH = /^\/servers\/([^/]+)\/(?:(sessions)|users\/([^/]+)\/attributes)\/$/;

/** Has every virtual server: a session says to which one it belongs. @param apikey of all */
export function createStandIn(apikey: string) {
  /** By nonce. */
  const sessions = new Map<string, Session>();

  return {
    sessions,
    /** The REST API. */
    fetch: async ({ method, url, headers }: Request): Promise<Response> => {
      const [, ...segments] = PATH.exec(new URL(url).pathname) ?? [];
      if (method !== "GET" || segments.length === 0) return new Response("not found", { status: 404 });
      if (headers.get("x-apikey") !== apikey) return Response.json({ error: "invalid API key" }, { status: 401 });
      const [serverid, isSession, userid] = segments.map((segment) => segment && decodeURIComponent(segment));
      const isHere = (session: Session | undefined) => session?.serverid === serverid;
      if (!isSession) {
        const found = [...sessions.values()].findLast((one) => isHere(one) && one.account?.userid === userid);
        if (found === undefined) return new Response("user not found", { status: 404 });
        return new Response(JSON.stringify(found.attributes)); // text/plain, as in the description
      }
      const nonce = headers.get("x-nonce");
      if (nonce === null) return Response.json({ error: "X-nonce is required" }, { status: 400 });
      const session = sessions.get(nonce);
      const account = isHere(session) ? session?.account : undefined;
      return Response.json({ loggedin: account !== undefined, ...account });
    },
    /** @returns the nonce of a new session, the app's webNonce */
    open(serverid: string, account?: Account, attributes: Session["attributes"] = {}): string {
      const nonce = randomBytes(NONCE_BYTES).toString("base64");
      sessions.set(nonce, { serverid, account, attributes });
      return nonce;
    },
  };
}
