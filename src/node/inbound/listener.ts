// A listener on Node that can stop without failing the calls it has begun.

import { constants } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { ServerTls } from "../../config/credentials.ts";
import type { Address } from "../../config/schema-types.ts";
import { atEndOfTurn } from "../fast-path/turn.ts";
import { isAmbiguous } from "./ambiguous.ts";
import { OpenRequests } from "./open-requests.ts";

export interface Listener {
  /** As `http://127.0.0.1:8080`, with the port that was taken where 0 was asked for. */
  url: string;
  /** From now on every answer tells its client that the connection closes. Connections and requests are still taken. */
  drain(): void;
  /**
   * Takes no further connection and waits for the requests in flight. Requests that still come on open connections are
   * answered, and told that the connection closes.
   * @param grace milliseconds to wait
   * @returns how many requests were cut off because the grace was over; one that had not come whole is none
   */
  close(grace: number): Promise<number>;
  /** Requests that have no answer yet. */
  inFlight(): number;
  /** Serves new connections with another certificate and other authorities, and ends the old connections; where there is TLS. */
  setTls(tls: ServerTls): void;
}

export interface ListenOptions {
  /** Plain HTTP without. */
  tls?: ServerTls | undefined;
  /** Stands in for the Host that a request of HTTP/1.0 leaves out; without, such a request is refused. */
  hostname?: string;
}

/** A listener cannot be opened. The message says how to cure it. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** A caller that takes longer to send its headers, or the whole of its request, is not a nextAuth Server. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Longer than the minute after which load balancers drop idle connections, so that they, not we, close first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** After so long without a request, at a shutdown, none is on its way. */
const QUIET_MS = 1_000;

/**
 * How many connections may wait to be accepted; the kernel's own limit (net.core.somaxconn on Linux) still counts. Who finds the queue
 * full asks again after a second (RFC 6298 §2.1), so that Node's 511 made the p99 of 2,048 clients that come at once a second. Of several
 * processes on a socket that was passed Node still makes it 511.
 */
const BACKLOG = 4_096;

const LIMITS = {
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
};

/**
 * @param at an address, or the descriptor of a socket that is there already
 * @param key of the address in the file, as `server.listen`
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

  const listener = getRequestListener(fetch, hostname === undefined ? {} : { hostname });
  const onRequest: RequestListener = (incoming, outgoing) => {
    if (!requests.admit(incoming, outgoing)) return;
    if (draining) outgoing.setHeader("Connection", "close");
    if (isAmbiguous(incoming)) {
      requests.refuse(incoming.socket);
      outgoing.writeHead(400, { Connection: "close" }).end();
      return;
    }
    atEndOfTurn(() => {
      if (!incoming.socket.destroyed) void listener(incoming, outgoing); // else nobody is left to answer
    });
  };
  const closeAfterAnswers = () => {
    for (const outgoing of requests.answers()) {
      if (!outgoing.headersSent) outgoing.setHeader("Connection", "close");
    }
  };
  const drain = () => {
    draining = true;
    closeAfterAnswers();
  };
  const tlsServer = tls === undefined ? undefined : createTlsServer(tlsOptions(tls), onRequest);
  // Of a certificate by somebody who has only the name of one of our authorities OpenSSL leaves an error behind, which Node takes for one
  // of the connection at its next read. To ask for the certificate clears it; where the handshake itself takes a further read, nothing does.
  tlsServer?.on("secureConnection", (socket) => socket.getPeerX509Certificate());
  const server = tlsServer ?? createServer(LIMITS, onRequest);
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(listenError(error, "fd" in at ? `descriptor ${at.fd}` : `${at.host}:${at.port}`, key)),
    );
    server.listen(at, BACKLOG, resolve); // not among the options, where Node ignores it for a socket that was passed
  });
  const address = server.address() as AddressInfo | null;
  // A Unix socket has none, nor have those who call there.
  if (address === null) {
    server.close();
    throw new ListenError(
      "cannot listen on what was passed: it is no TCP socket. Give ListenStream= of its unit an address and a port.",
    );
  }

  return {
    url: `${tls === undefined ? "http" : "https"}://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`,
    setTls(next) {
      tlsServer?.setSecureContext(tlsOptions(next));
      // What the old authorities vouched for ends with the connections that they let in.
      server.closeIdleConnections();
      closeAfterAnswers();
    },
    drain,
    inFlight: () => requests.size,
    async close(grace) {
      drain();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Node looks no more after requests that come slowly or not at all. Nobody waits for an answer there; but what has just been
      // accepted may have a request on its way.
      const quiet = setTimeout(() => {
        const busy = new Set(requests.answers().map(({ req }) => endOf(req.socket)));
        for (const socket of sockets) if (!busy.has(endOf(socket))) socket.destroy();
      }, QUIET_MS);
      const slow = setTimeout(() => {
        for (const { req } of requests.answers()) if (!req.complete) req.socket.destroy();
      }, REQUEST_TIMEOUT_MS);
      let cut = 0;
      const timer = setTimeout(() => {
        cut = requests.answers().filter(({ req }) => req.complete).length;
        server.closeAllConnections();
      }, grace);
      await closed;
      clearTimeout(timer);
      clearTimeout(slow);
      clearTimeout(quiet);
      return cut;
    },
  };
}

/**
 * A connection without a certificate, or with one that is not verified, is not refused: other callers have keys, and apps and
 * readers of our public keys have neither. What a certificate is worth is decided for each call (http/caller.ts).
 */
function tlsOptions({ certificate, private_key, client_ca }: ServerTls) {
  const asking =
    client_ca === undefined ? {} : { ca: client_ca.reveal(), requestCert: true, rejectUnauthorized: false };
  return {
    ...LIMITS,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    // In TLS 1.2 a client might renegotiate with another certificate, and Node would go on calling the socket authorized.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    cert: certificate.reveal(),
    key: private_key.reveal(),
    ...asking,
  };
}

/** The other end: under TLS a request has another socket than the connection that it came on. */
function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listenError(error: NodeJS.ErrnoException, address: string, key: string): ListenError {
  const [what, cure] = (error.code !== undefined && REASONS[error.code]) || [
    `failed (${error.code ?? error.name})`,
    "",
  ];
  return new ListenError(`cannot listen on ${address}: ${what}. ${cure}Its key in the file is "${key}".`, {
    cause: error,
  });
}

const REASONS: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ["the port is in use", "Stop what uses it, or choose another. "],
  EACCES: ["no permission for this port", "Choose one above 1023, or grant CAP_NET_BIND_SERVICE. "],
  EADDRNOTAVAIL: ["this machine has no such address", "Use 0.0.0.0 for all of them. "],
  ENOTFOUND: ["the host name is unknown", "Use an address. "],
  EAI_AGAIN: ["the host name cannot be looked up now", "Use an address. "],
  EAFNOSUPPORT: ["this machine has no IPv6", "Use an IPv4 address. "],
};
