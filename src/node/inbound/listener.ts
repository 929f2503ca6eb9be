// An HTTP(S) listener that can stop without failing the requests it has accepted.

import { constants } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { ServerTls } from "../../config/credentials.ts";
import type { Address } from "../../config/schema-types.ts";
import { isAmbiguous } from "./ambiguous.ts";
import { OpenRequests } from "./open-requests.ts";

export interface Listener {
  /** For example `http://127.0.0.1:8080`, with the actual port if 0 was configured. */
  url: string;
  /** Announces in every response that the connection closes. Connections and requests are still accepted. */
  drain(): void;
  /**
   * Refuses new connections and waits for the requests in flight. Requests on open connections are
   * still answered.
   * @param grace milliseconds to wait
   * @returns how many complete requests were cut off at the end of the grace
   */
  close(grace: number): Promise<number>;
  /** Requests without a complete response. */
  inFlight(): number;
  /** Uses another certificate and other authorities for new connections, and closes the old ones. */
  setTls(tls: ServerTls): void;
}

export interface ListenOptions {
  /** Without it, the listener speaks plain HTTP. */
  tls?: ServerTls | undefined;
  /** Used for requests without a Host header (HTTP/1.0), which are refused otherwise. */
  hostname?: string;
}

/** The listener cannot be opened. The message says what to do. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Load balancers close idle connections after a minute. They should close first, or a request may get lost. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** During a shutdown, a connection that sends nothing for this long has no request on its way. */
const QUIET_MS = 1_000;
/**
 * Connections waiting to be accepted (the kernel's net.core.somaxconn also applies). A client that finds
 * the queue full retries after a second (RFC 6298 §2.1). Node's 511 is too short for 2,048 clients at once.
 */
const BACKLOG = 4_096;

const LIMITS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
};

/**
 * @param at an address, or the descriptor of an open socket
 * @param key of the address in the file, for example `server.listen`
 * @throws {ListenError}
 */
export async function listen(
  fetch: (request: Request, env: unknown) => Response | Promise<Response>,
  at: Address | { fd: number },
  key: string,
  { tls, hostname }: ListenOptions = {},
): Promise<Listener> {
  const requests = new OpenRequests();
  const sockets = new Set<Socket>();
  let draining = false;

  const respond = getRequestListener(fetch, hostname === undefined ? {} : { hostname });
  const onRequest: RequestListener = (request, response) => {
    if (!requests.admit(request, response)) return;
    if (draining) response.setHeader("Connection", "close");
    if (isAmbiguous(request)) {
      requests.refuse(request.socket);
      response.writeHead(400, { Connection: "close" }).end();
      return;
    }
    // Fast path: reads all sockets that are ready before it handles their calls, which saves 20 to 40 % of
    // a call's CPU on a busy machine. Plain: respond(request, response).
    setImmediate(respond, request, response);
  };
  const tlsServer = tls === undefined ? undefined : createTlsServer(tlsOptions(tls), onRequest);
  // A client certificate that only bears the name of one of our authorities leaves an error in OpenSSL's
  // queue, and Node would fail the next read with it. Reading the certificate clears the queue.
  tlsServer?.on("secureConnection", (socket) => socket.getPeerX509Certificate());
  const server = tlsServer ?? createServer(LIMITS, onRequest);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  await new Promise<void>((resolve, reject) => {
    const target = "fd" in at ? `descriptor ${at.fd}` : `${at.host}:${at.port}`;
    server.once("error", (error) => reject(listenError(error, target, key)));
    server.listen(at, BACKLOG, resolve); // Node ignores a backlog in the options for a descriptor
  });
  const address = server.address() as AddressInfo | null;
  if (address === null) {
    server.close();
    // Callers on a Unix socket have no address, which limits and forwarded addresses need.
    throw new ListenError(
      "cannot listen on the passed socket: it is not a TCP socket. Set ListenStream= of the socket unit to an address and a port.",
    );
  }

  const closeAfterResponses = () => {
    for (const response of requests.responses()) {
      if (!response.headersSent) response.setHeader("Connection", "close");
    }
  };
  const drain = () => {
    draining = true;
    closeAfterResponses();
  };
  return {
    url: `${tls === undefined ? "http" : "https"}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`,
    setTls(next) {
      tlsServer?.setSecureContext(tlsOptions(next));
      // A removed authority must not vouch for open connections any longer.
      server.closeIdleConnections();
      closeAfterResponses();
    },
    drain,
    inFlight: () => requests.responses().length,
    async close(grace) {
      drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      let cutOff = 0;
      // After close(), Node's own timeouts no longer apply to silent connections and slow requests.
      const timers = [
        setTimeout(() => {
          const busy = new Set(requests.responses().map(({ req }) => remoteEnd(req.socket)));
          for (const socket of sockets) if (!busy.has(remoteEnd(socket))) socket.destroy();
        }, QUIET_MS),
        setTimeout(() => {
          for (const { req } of requests.responses()) if (!req.complete) req.socket.destroy();
        }, REQUEST_TIMEOUT_MS),
        setTimeout(() => {
          cutOff = requests.responses().filter(({ req }) => req.complete).length;
          server.closeAllConnections();
        }, grace),
      ];
      await closed;
      for (const timer of timers) clearTimeout(timer);
      return cutOff;
    },
  };
}

/**
 * Connections without a certificate, or with an unverified one, are accepted: some callers use API keys,
 * and apps and readers of our public keys have neither. Authentication decides per call.
 */
function tlsOptions({ certificate, private_key, client_ca }: ServerTls) {
  const clientAuthentication =
    client_ca === undefined ? {} : { ca: client_ca.reveal(), requestCert: true, rejectUnauthorized: false };
  return {
    ...LIMITS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    // In TLS 1.2 a client could renegotiate with another certificate, and the socket would stay authorized.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    cert: certificate.reveal(),
    key: private_key.reveal(),
    ...clientAuthentication,
  };
}

/** Identifies a connection: under TLS a request has another socket object than the connection event. */
function remoteEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenError(cause: NodeJS.ErrnoException, address: string, key: string): ListenError {
  const reason = REASONS[cause.code ?? ""] ?? `it failed (${cause.code ?? cause.name}).`;
  return new ListenError(`cannot listen on ${address}: ${reason} The key in the file is "${key}".`, { cause });
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use. Stop the other program, or choose another port.",
  EACCES: "no permission for this port. Choose one above 1023, or grant CAP_NET_BIND_SERVICE.",
  EADDRNOTAVAIL: "this machine has no such address. Use 0.0.0.0 for all its addresses.",
  ENOTFOUND: "the host name is unknown. Use an IP address.",
  EAI_AGAIN: "the host name cannot be resolved right now. Use an IP address.",
  EAFNOSUPPORT: "this machine has no IPv6. Use an IPv4 address.",
};
