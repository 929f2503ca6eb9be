// The nextAuth Servers of the file: which one answers for a virtual server.

import type { Clock } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { CreateTransport, TlsCredentials } from "../core/transport.ts";
import { createNextAuthClient, type NextAuthClient, type NextAuthSettings } from "./client.ts";
import { type ConfirmSession, createSessionCheck } from "./session-check.ts";

export interface NextAuthServerSettings extends NextAuthSettings {
  /** The virtual server of a call that names none. */
  serverid?: string | undefined;
  /** The virtual servers that it answers for; undefined means all. */
  serverids?: readonly string[] | undefined;
  connect_timeout: number;
  /** Milliseconds; 0 for none. */
  session_cache: number;
}

export interface NextAuthCredentials {
  apikey: Secret;
  tls: TlsCredentials | undefined;
}

export interface NextAuthServer {
  /** In the file, as `nextauth`. */
  readonly key: string;
  confirmSession: ConfirmSession;
  getSession: NextAuthClient["getSession"];
  getUserAttributes: NextAuthClient["getUserAttributes"];
}

export interface NextAuthServers {
  /** The serverid of a call that names none. */
  readonly defaultServerid: string | undefined;
  /** In the order of the file. */
  readonly all: readonly NextAuthServer[];
  /** First match wins; undefined where none answers for this virtual server. */
  serverFor(serverid: string): NextAuthServer | undefined;
}

/** To one nextAuth Server; requests beyond wait for one of them, within their timeout. */
const MAX_CONNECTIONS = 256;

/** Indexed once, so that a call costs the same with one server or a hundred. */
export function createNextAuthServers(
  settings: readonly NextAuthServerSettings[],
  credentials: readonly NextAuthCredentials[],
  deps: { createTransport: CreateTransport; clock: Clock },
): NextAuthServers {
  const all: NextAuthServer[] = [];
  const byServerid = new Map<string, NextAuthServer>();
  let otherwise: NextAuthServer | undefined;
  for (const [index, server] of settings.entries()) {
    const { apikey, tls } = credentials[index] as NextAuthCredentials;
    const key = nextauthKey(index, settings.length);
    const transport = deps.createTransport({
      connect_timeout: server.connect_timeout,
      connections: MAX_CONNECTIONS,
      tls,
    });
    const client = createNextAuthClient(server, apikey, key, transport, deps.clock);
    const made = { key, ...client, confirmSession: createSessionCheck(client, server.session_cache, key, deps.clock) };
    all.push(made);
    if (otherwise !== undefined) continue; // one that answers for all stands above it
    if (server.serverids === undefined) otherwise = made;
    for (const serverid of server.serverids ?? []) {
      if (!byServerid.has(serverid)) byServerid.set(serverid, made);
    }
  }
  return {
    defaultServerid: settings.find(({ serverid }) => serverid !== undefined)?.serverid,
    all,
    serverFor: (serverid) => byServerid.get(serverid) ?? otherwise,
  };
}

/** The server's key in the file, which may give one or a list. */
export function nextauthKey(index: number, count: number): string {
  return count === 1 ? "nextauth" : `nextauth[${index}]`;
}
