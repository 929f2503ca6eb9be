// An HTTP(S) listener that can stop without failing the requests it has accepted.

import { constants } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import type { Address } from "../../core/schema.ts";
import type { TlsCredentials } from "../../core/transport.ts";
import { inBatch } from "../fast-path/batch.ts";
import { isAmbiguous } from "./inbound.ts";
import { describeUse } from "./port-owner.ts";

export type Listener = Awaited<ReturnType<typeof listen>>;

/** The listener cannot be opened. The message says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

const HEADERS_TIMEOUT_MS = 10_000;
/** During a shutdown, a connection that sends nothing for this long has no request on its way. */
const QUIET_MS = 1_000;
/** How long the rest of a body is still read after its response. */
const LINGER_MS = 500;
/** Node's 511 is too short for 2,048 clients at once: those beyond retry after a second. */
const BACKLOG = 4_096;

/**
 * Clients hardly pipeline. But Node starts every request of one read, some 300 small ones, so
 * without a limit a few dozen connections, even without an API key, could fill the memory.
 */
const MAX_OPEN_REQUESTS = 32;

interface Connection {
  /** As accepted, before TLS. */
  socket: Socket;
  /** Not completely sent. */
  responses: Set<ServerResponse>;
  isOutdated: boolean;
  /** After an ambiguous request, the rest is ambiguous too. */
  isRefused: boolean;
}

const LIMITS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
  // Load balancers close idle connections after 60 s. If we did so first, a request might get lost.
  keepAliveTimeout: 65_000,
};

/**
 * @param at an address, or the descriptor of an open socket
 * @param key of the address in the file, for example `server.listen`
 * @param tls without it, the listener speaks plain HTTP
 * @param hostname for requests without a Host header (HTTP/1.0), which are refused otherwise
 * @throws {ListenError}
 */
export async function listen(
  fetch: (request: Request, env: unknown) => Response | Promise<Response>,
  at: Address | { fd: number },
  key: string,
  { tls, hostname }: { tls?: TlsCredentials | undefined; hostname?: string } = {},
) {
  /** By their ends: with TLS, a request's socket is not that of the connection event. */
  const connections = new Map<string, Connection>();
  const isOutdated = (socket: Socket) => connections.get(endsOf(socket))?.isOutdated ?? !socket.destroyed;
  const responses = () => [...connections.values()].flatMap((connection) => [...connection.responses]);
  let draining = false;

  const answer = async (request: Request, env: unknown) => {
    const response = await fetch(request, env);
    const { incoming, outgoing } = env as HttpBindings;
    if (!incoming.complete) closeAfter(incoming.socket, outgoing);
    return response;
  };
  /**
   * The rest of a body would be read as a request by us, or the next request as this body: Apache
   * Traffic Server reuses such a connection before it has sent the body.
   */
  const closeAfter = (socket: Socket, response: ServerResponse) => {
    const connection = connections.get(endsOf(socket));
    if (connection !== undefined) connection.isRefused = true;
    response.setHeader("Connection", "close");
    // Closed at once, it would be reset by the rest, and the response could get lost.
    socket.destroySoon = () => {
      socket.end();
      setTimeout(() => socket.destroy(), LINGER_MS);
    };
  };
  const respond = getRequestListener(answer, hostname === undefined ? {} : { hostname });
  const onRequest: RequestListener = (request, response) => {
    const connection = connections.get(endsOf(request.socket));
    if (connection === undefined || connection.isRefused) return;
    if (connection.responses.size >= MAX_OPEN_REQUESTS) {
      request.socket.destroy();
      return;
    }
    connection.responses.add(response);
    response.once("close", () => connection.responses.delete(response));
    if (draining || connection.isOutdated) response.setHeader("Connection", "close");
    if (isAmbiguous(request)) {
      closeAfter(request.socket, response);
      response.writeHead(400).end();
      return;
    }
    inBatch(() => {
      if (!request.socket.destroyed) void respond(request, response); // else nobody waits for it
    });
  };
  const tlsServer = tls === undefined ? undefined : createTlsServer(tlsOptions(tls), onRequest);
  // A client certificate that only bears the name of our authority leaves an error in OpenSSL's
  // queue, and Node would fail the next read with it. Reading the certificate clears the queue.
  tlsServer?.on("secureConnection", (socket) => socket.getPeerX509Certificate());
  const server = tlsServer ?? createServer(LIMITS, onRequest);
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    closeAfter(request.socket, response);
    response.writeHead(417).end();
  });
  server.on("connection", (socket: Socket) => {
    const ends = endsOf(socket);
    const connection: Connection = { socket, responses: new Set(), isOutdated: false, isRefused: false };
    connections.set(ends, connection);
    socket.once("close", () => connections.get(ends) === connection && connections.delete(ends));
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const target = "fd" in at ? `descriptor ${at.fd}` : `${at.host}:${at.port}`;
      const { code = cause.name } = cause;
      const reason =
        code === "EADDRINUSE" && "port" in at ? describeUse(at.port) : (REASONS[code] ?? `it failed (${code}).`);
      reject(new ListenError(`cannot listen on ${target}: ${reason} The key in the file is "${key}".`, { cause }));
    });
    server.listen(at, BACKLOG, resolve); // Node ignores a backlog in the options for a descriptor
  });
  const address = server.address() as AddressInfo | null;
  if (address === null) {
    server.close();
    // Callers on a Unix socket have no address, which limits and forwarded addresses need.
    const cure = "Set ListenStream= of the socket unit to an address and a port.";
    throw new ListenError(`cannot listen on the passed socket: it is not a TCP socket. ${cure}`);
  }

  const closeAfterResponses = () => {
    for (const response of responses()) {
      if (!response.headersSent) response.setHeader("Connection", "close");
    }
  };
  /** Announces in every response that the connection closes, and still accepts connections. */
  const drain = () => {
    draining = true;
    closeAfterResponses();
  };
  const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    /** For example `http://127.0.0.1:8080`, with the actual port if 0 was configured. */
    url: `${tls === undefined ? "http" : "https"}://${host}:${address.port}`,
    setTls(next: TlsCredentials) {
      tlsServer?.setSecureContext(tlsOptions(next));
    },
    /** Closes idle connections now, and the others with the response to their next request. */
    outdateConnections() {
      for (const connection of connections.values()) connection.isOutdated = true;
      server.closeIdleConnections();
      closeAfterResponses();
    },
    /** Whether `outdateConnections` was called since the connection was accepted, before TLS. */
    isOutdated,
    drain,
    inFlight: () => responses().length,
    /**
     * Refuses new connections, and waits until the open ones have their responses.
     * @param grace milliseconds to wait
     * @returns how many complete requests were cut off at the end of the grace
     */
    async close(grace: number) {
      drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      let cutOff = 0;
      // After close(), Node's own timeouts no longer apply to silent connections and slow headers.
      const timers = [
        setTimeout(() => {
          for (const { socket, responses: open } of connections.values()) if (open.size === 0) socket.destroy();
        }, QUIET_MS),
        setTimeout(() => {
          cutOff = responses().filter(({ req }) => req.complete).length;
          server.closeAllConnections();
        }, grace),
      ];
      await closed;
      for (const timer of timers) clearTimeout(timer);
      return cutOff;
    },
  };
}

function tlsOptions({ certificate, private_key, ca }: TlsCredentials) {
  return {
    ...LIMITS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    // A client of TLS 1.2 could change its certificate, and the socket would stay authorized.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    cert: certificate?.reveal(),
    key: private_key?.reveal(),
    // Authentication decides per call whether an unverified certificate, or none, is enough: for
    // callers with API keys, for apps, and for readers of our public keys.
    ...(ca && { ca: ca.reveal(), requestCert: true, rejectUnauthorized: false }),
  };
}

/** A remote end may have a connection to each of our addresses. */
function endsOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "no permission for this port. Choose one above 1023, or grant CAP_NET_BIND_SERVICE.",
  EADDRNOTAVAIL: "this machine has no such address. Use 0.0.0.0 for all its addresses.",
};

/**
 * Finds a listening socket from systemd, or from a supervisor with the same protocol. It stays
 * open during a restart, so that connections wait, and several instances can share it.
 * @returns the first passed descriptor, after stdin, stdout and stderr (sd_listen_fds(3))
 */
export function inheritedSocket(): { fd: number } | undefined {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  // LISTEN_PID tells whether a parent process left the variables behind.
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1 ? { fd: 3 } : undefined;
}
