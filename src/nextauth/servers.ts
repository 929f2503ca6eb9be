// The nextAuth Servers of the file, and which of them is responsible for a virtual server.

import { keepNothing, type Runtime } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { ProxyFor, TlsCredentials } from "../core/transport.ts";
import { createNextAuthClient } from "./client.ts";
import { createSessionCheck, createSessionMemory } from "./session-check.ts";
import type { NextAuthServerSettings } from "./settings.ts";

export interface NextAuthCredentials {
  apikey: Secret;
  tls: TlsCredentials | undefined;
  proxyFor?: ProxyFor | undefined;
}

export type NextAuthServers = ReturnType<typeof createNextAuthServers>;
export type NextAuthServer = NextAuthServers["all"][number];

/** Further requests to the same nextAuth Server wait for a connection, within their timeout. */
const MAX_CONNECTIONS = 256;

export function createNextAuthServers(
  settings: readonly NextAuthServerSettings[],
  credentials: readonly NextAuthCredentials[],
  { createTransport, clock, keep = keepNothing }: Pick<Runtime, "createTransport" | "clock" | "keep">,
) {
  const all = settings.map((server, index) => {
    const { apikey, tls, proxyFor } = credentials[index] as NextAuthCredentials;
    const key = nextauthKey(index, settings.length);
    const { connect_timeout, http2, reuse_connections } = server;
    const connecting = { key, connect_timeout, connections: MAX_CONNECTIONS, http2, reuse_connections, tls, proxyFor };
    const transport = createTransport(connecting);
    const client = createNextAuthClient(server, apikey, key, transport, clock);
    const memory = keep(JSON.stringify([key, server]), () => createSessionMemory(server.session_cache, clock));
    return { key, ...client, confirmSession: createSessionCheck(client, key, clock, memory) };
  });
  return {
    all,
    defaultServerid: settings.find(({ serverid }) => serverid !== undefined)?.serverid,
    /** @returns the first match; undefined if no server is responsible */
    serverFor(serverid: string) {
      return all.find((_, index) => settings[index]?.serverids?.includes(serverid) ?? true);
    },
  };
}

/** The server's key in the file, where `nextauth` is one server or a list. */
export function nextauthKey(index: number, count: number): string {
  return count === 1 ? "nextauth" : `nextauth[${index}]`;
}
