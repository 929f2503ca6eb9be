// A server on node:http2 that counts connections and streams, and does with each stream what a test
// wants.

import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import {
  createSecureServer,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { listenLocally } from "./port.ts";

export interface Http2Request {
  headers: Record<string, unknown>;
  body: string;
}

export interface Http2Peer {
  origin: string;
  /** For each connection that spoke HTTP/2: its streams, and how many of them were open at once. */
  sessions: { streams: number; open: number; most: number }[];
  /** All connections, whatever they spoke. */
  connections: number;
  requests: Http2Request[];
  onStream(stream: ServerHttp2Stream, request: Http2Request): void;
  /** What to do with a request on HTTP/1.1. */
  onRequest(answer: (request: IncomingMessage, response: ServerResponse) => void): void;
  /** Every session that is open. */
  open(): ServerHttp2Session[];
  close(): Promise<void>;
}

export const answerWith =
  (body: string | Buffer, headers: Record<string, string | number> = {}) =>
  (stream: ServerHttp2Stream): void => {
    stream.respond({ ":status": 200, "content-type": "application/json", ...headers });
    stream.end(typeof body === "string" ? Buffer.from(body) : body);
  };

/** @param options `answersAtOnce`: without reading the request */
export async function startHttp2Peer(
  onStream: Http2Peer["onStream"],
  { answersAtOnce = false, ...options }: SecureServerOptions & { answersAtOnce?: boolean },
): Promise<Http2Peer> {
  const server = createSecureServer(options);
  const sockets = new Set<Socket>();
  const sessions = new Map<ServerHttp2Session, Http2Peer["sessions"][number]>();
  server.on("connection", (socket: Socket) => {
    peer.connections += 1;
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => {});
  });
  server.on("session", (session) => {
    const counts = { streams: 0, open: 0, most: 0 };
    sessions.set(session, counts);
    peer.sessions.push(counts);
    session.on("error", () => {});
    session.once("close", () => sessions.delete(session));
  });
  server.on("sessionError", () => {});
  server.on("stream", async (stream, headers) => {
    const counts = sessions.get(stream.session as ServerHttp2Session);
    if (counts !== undefined) {
      counts.streams += 1;
      counts.open += 1;
      counts.most = Math.max(counts.most, counts.open);
      stream.once("close", () => (counts.open -= 1));
    }
    stream.on("error", () => {});
    if (answersAtOnce) return peer.onStream(stream, { headers, body: "" });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => {
      const request = { headers, body: Buffer.concat(chunks).toString() };
      peer.requests.push(request);
      if (!stream.destroyed) peer.onStream(stream, request);
    });
  });
  const peer: Http2Peer = {
    origin: `https://127.0.0.1:${await listenLocally(server)}`,
    sessions: [],
    connections: 0,
    requests: [],
    onStream,
    onRequest: (answer) =>
      void server.on("request", (request, response) => {
        if (request.httpVersionMajor === 1)
          answer(request as unknown as IncomingMessage, response as unknown as ServerResponse);
      }),
    open: () => [...sessions.keys()],
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return peer;
}
