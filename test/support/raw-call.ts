// Sends bytes that no HTTP client would send, and returns all bytes of the response.

import { connect, type Socket } from "node:net";
import { APIKEY, CALL } from "./call.ts";

/** Every connection of these tests is closed by the proxy long before. */
const LIMIT_MS = 30_000;

/** A whole call. `headers` replace those of a valid one; undefined removes one. */
export function request(
  method: string,
  target: string,
  headers: Record<string, string | undefined> = {},
  body = JSON.stringify(CALL),
): string {
  const wanted: Record<string, string | undefined> = {
    Host: "127.0.0.1",
    "X-apikey": APIKEY,
    "X-nonce": "0",
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    Connection: "close",
    ...headers,
  };
  const lines = Object.entries(wanted).filter(([, value]) => value !== undefined);
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`;
}

/** Unlike events.once, does not fail if the connection is reset. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()).on("error", () => {}));
}

/** @returns what came back until the proxy closed the connection */
export async function exchange(url: string, bytes: string): Promise<{ status: number; head: string; body: string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const received: Buffer[] = [];
  socket.on("data", (chunk) => received.push(chunk));
  socket.setTimeout(LIMIT_MS, () => socket.destroy());
  socket.write(bytes);
  await closeOf(socket);
  const text = Buffer.concat(received).toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  return { status: Number(text.split(" ", 2)[1]), head: text.slice(0, end), body: text.slice(end + 4) };
}
