// A provider on a real socket that records requests, and answers with exactly the given bytes.

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { listenLocally } from "./port.ts";

export interface RecordedRequest {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  /** Names and values as they came, alternating. */
  rawHeaders: string[];
  body: string;
}

/** Writes a whole HTTP response, or part of one, or nothing. */
export type Answer = (socket: Socket, request: RecordedRequest) => void;

export interface RecordingProvider {
  url: string;
  tokenEndpoint: string;
  requests: RecordedRequest[];
  /** How requests are answered from now on. */
  answer: Answer;
  close(): Promise<void>;
}

export async function startRecordingProvider(): Promise<RecordingProvider> {
  const sockets = new Set<Socket>();
  const server = createServer(async (incoming) => {
    const request = await record(incoming);
    provider.requests.push(request);
    provider.answer(incoming.socket, request);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {}); // a test may break connections on purpose
  });
  const url = `http://127.0.0.1:${await listenLocally(server)}`;

  const provider: RecordingProvider = {
    url,
    tokenEndpoint: `${url}/token`,
    requests: [],
    answer: token(),
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}

async function record(incoming: IncomingMessage): Promise<RecordedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return {
    method: incoming.method ?? "",
    url: incoming.url ?? "",
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

export interface Response {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

/** A well-formed response. Without a Content-Length among the headers the right one is added. */
export function respond({ status = 200, headers = {}, body = "" }: Response): Answer {
  const bytes = Buffer.from(body);
  const hasFraming = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name));
  const lines = Object.entries(hasFraming ? headers : { ...headers, "Content-Length": String(bytes.length) });
  const head = `HTTP/1.1 ${status} Any\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return (socket) => socket.write(Buffer.concat([Buffer.from(head, "latin1"), bytes]));
}

/** A JSON response; the value is text that is sent unchanged, or a value to serialise. */
export function json(body: string | object, status = 200, headers: Record<string, string> = {}): Answer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return respond({ status, headers: { "Content-Type": "application/json", ...headers }, body: text });
}

/** The answer that every provider gives on a good day. */
export function token(): Answer {
  return json({ access_token: "the-token", token_type: "Bearer", expires_in: 3600 });
}

/** Holds all answers until the returned function is called. From then on all get tokens. */
export function hold(provider: RecordingProvider): () => void {
  const waiting: (() => void)[] = [];
  provider.answer = (socket, request) => void waiting.push(() => token()(socket, request));
  return () => {
    provider.answer = token();
    for (const answer of waiting.splice(0)) answer();
  };
}
