// Plays the nextAuth Server: sends one getToken call, and returns the bytes of the response.

import { type Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";

export const APIKEY = "test-apikey-0123456789abcdef";

/** The call that the default binding describes. */
export const CALL = { serverid: "c2VydmVyLTE=", userid: "alice", accountid: 7 };
export const NONCE = "5f1d7a84db00d2fce00b31a7fc73224f";

export interface CallOptions {
  method?: string;
  /** Sent unchanged. */
  path?: string;
  /** Added to the headers of a valid call; undefined removes one. */
  headers?: Record<string, string | string[] | undefined>;
  /** Node's own by default. */
  agent?: Agent;
  /** Text or bytes are sent unchanged, any other value as JSON; undefined sends none. */
  body?: unknown;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
  text: string;
  json(): Record<string, unknown>;
}

/** @param url of the proxy, without a path */
export function callGetToken(url: string, options: CallOptions = {}): Promise<Answered> {
  const { hostname, port } = new URL(url);
  const { method = "POST", path = "/getToken" } = options;
  const body = "body" in options ? options.body : CALL;
  const payload =
    body === undefined ? undefined : typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const wanted: Record<string, string | string[] | undefined> = {
    "X-apikey": APIKEY,
    "X-nonce": NONCE,
    "Content-Type": "application/json",
    ...(payload === undefined ? {} : { "Content-Length": String(Buffer.byteLength(payload)) }),
    ...options.headers,
  };
  const headers = Object.fromEntries(Object.entries(wanted).filter((entry) => entry[1] !== undefined));
  const sent = { hostname, port, method, path, headers: headers as Record<string, string>, agent: options.agent };

  return new Promise((resolve, reject) => {
    const outgoing = request(sent, (incoming) => collectAnswer(incoming).then(resolve, reject));
    outgoing.on("error", reject);
    outgoing.end(payload);
  });
}

/** Reads an answer to its end. */
export async function collectAnswer(incoming: IncomingMessage): Promise<Answered> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body: bytes,
    text: bytes.toString("utf8"),
    json: () => JSON.parse(bytes.toString("utf8")),
  };
}

/** Reads a response of an app in memory; its length is what a listener would send. */
export async function readResponse(response: Response): Promise<Answered> {
  const body = Buffer.from(await response.arrayBuffer());
  const text = body.toString("utf8");
  const headers = { ...Object.fromEntries(response.headers), "content-length": String(body.length) };
  return { status: response.status, headers, rawHeaders: [], body, text, json: () => JSON.parse(text) };
}
