// Answers that no web server's library would send: odd framing, and connections that break.

import type { Socket } from "node:net";
import type { Answer } from "./recording-provider.ts";

/** A reset discards what was not read yet: a busy machine needs this long. */
const SETTLE_MS = 300;

/** Status line, header lines and the empty line after them. */
export function head(headers: Record<string, string>, status = 200): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Any\r\n${lines.join("")}\r\n`;
}

/** Exactly these bytes; text as UTF-8. */
export function raw(...parts: (string | Buffer)[]): Answer {
  return (socket) =>
    socket.write(Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part))));
}

/** The chunks of a chunked body, without the last one that ends it. */
export function chunks(body: Buffer, size: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < body.length; start += size) {
    const part = body.subarray(start, start + size);
    parts.push(Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from("\r\n")]));
  }
  return parts;
}

/** A body in chunks of `size` bytes, each written on its own. */
export function chunked(body: Buffer, size: number, headers: Record<string, string> = {}): Answer {
  return (socket) => {
    socket.setNoDelay(true);
    socket.write(head({ "Content-Type": "application/json", "Transfer-Encoding": "chunked", ...headers }));
    for (const chunk of chunks(body, size)) socket.write(chunk);
    socket.write("0\r\n\r\n");
  };
}

/** The answer, and then the end of the connection. */
export function thenClose(answer: Answer): Answer {
  return (socket, request) => {
    answer(socket, request);
    socket.end();
  };
}

/** The answer, and then a reset of the connection. */
export function thenReset(answer: Answer): Answer {
  return (socket, request) => {
    answer(socket, request);
    later(socket, SETTLE_MS, () => socket.resetAndDestroy());
  };
}

/** The answer, and `ms` later an unexpected one. */
export function thenSurplus(answer: Answer, surplus: Answer, ms: number): Answer {
  return (socket, request) => {
    answer(socket, request);
    later(socket, ms, () => surplus(socket, request));
  };
}

/** The start, then the same part every `ms` for as long as the connection is open. */
export function trickle(start: string, part: string, ms: number): Answer {
  return (socket) => {
    socket.write(start);
    const timer = setInterval(() => socket.write(part), ms);
    socket.once("close", () => clearInterval(timer));
  };
}

function later(socket: Socket, ms: number, act: () => void): void {
  const timer = setTimeout(act, ms);
  socket.once("close", () => clearTimeout(timer));
}
