// The stand-in of the nextAuth Server on a real socket: records requests; a test can answer.

import type { IncomingHttpHeaders } from "node:http";
import type { HttpBindings } from "@hono/node-server";
import { listen } from "../../src/node/inbound/listener.ts";
import { createVirtualServers, type StandIn, type VirtualServer } from "./stand-in.ts";

export const NEXTAUTH_APIKEY = "apikey of the virtual server";
export const ALICE = { userid: "alice", accountid: 7 };
export const SERVERID = "c2VydmVyLTE=";

export interface NextAuthServer extends StandIn {
  url: string;
  /** Method, target and headers as they came. */
  requests: { method: string; target: string; headers: IncomingHttpHeaders }[];
  /** Takes the place of the stand-in's own answer. */
  answer: (() => Response | Promise<Response>) | undefined;
  close(): Promise<void>;
}

export async function startNextAuthServer(
  servers: Readonly<Record<string, VirtualServer>> = { [SERVERID]: { apikey: NEXTAUTH_APIKEY } },
): Promise<NextAuthServer> {
  const standIn = createVirtualServers(servers);
  const listener = await listen(
    (request, env) => {
      const { method = "", url: target = "", headers } = (env as HttpBindings).incoming;
      server.requests.push({ method, target, headers });
      return server.answer?.() ?? standIn.fetch(request);
    },
    { host: "127.0.0.1", port: 0 },
    "the stand-in",
  );
  const server: NextAuthServer = {
    ...standIn,
    url: listener.url,
    requests: [],
    answer: undefined,
    close: async () => void (await listener.close(0)),
  };
  return server;
}

/** `nextauth` of a file for it; its key is in the variable NEXTAUTH_APIKEY. It has time. */
export function nextauthConfig({ url }: { url: string }, changes: object = {}): object {
  return { url, apikey: { env: "NEXTAUTH_APIKEY" }, timeout: "1m", ...changes };
}
