// A peer on HTTP/1.1 that sends some of its responses twice, late, or in pieces, as a faulty load
// balancer does.

import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { listenLocally } from "./port.ts";
import { randomFrom } from "./soak-provider.ts";

export interface PeerRequest {
  /** Of the request line. */
  target: string;
  headers: string;
  body: string;
}

/**
 * The body of a 200; or what else happens: `cut off` in the answer, `nothing`, or a status without
 * a body.
 */
export type PeerAnswer = (request: PeerRequest) => string | { status: number } | "cut off" | "nothing";

export type Random = () => number;

export const pauseFor = (random: Random, most: number) => new Promise((done) => setTimeout(done, random() * most));

/** @returns undefined if the answer is the body of a 200 */
export function answerFault(answer: ReturnType<PeerAnswer>) {
  if (typeof answer === "object") return { status: answer.status, text: "" };
  return answer === "cut off" || answer === "nothing" ? answer : undefined;
}

export interface ShiftingPeer {
  port: number;
  connections: number;
  requests: number;
  /** Responses that it sent twice. */
  duplicates: number;
  close(): Promise<void>;
}

export interface Faults {
  /** How many of 1,000 responses it sends twice; or the numbers of those responses, from 1. */
  duplicate?: number | readonly number[];
  /**
   * Sends one response per request, so that a second copy takes the place of the next response, and
   * so on.
   */
  shifts?: boolean;
  /** Milliseconds that a response may take. */
  delay?: number;
  /** Whether responses come in pieces. */
  split?: boolean;
  seed?: number;
  tls?: TlsOptions;
}

/** @param answer gives the body for a request */
export async function startShiftingPeer(
  answer: PeerAnswer,
  { duplicate = 0, shifts = false, delay = 0, split = false, seed = 1, tls }: Faults = {},
): Promise<ShiftingPeer> {
  const random = randomFrom(seed);
  const sockets = new Set<Socket>();

  async function send(socket: Socket, bytes: Buffer | undefined): Promise<void> {
    if (bytes === undefined) return; // the request after it was quicker
    const middle = split ? Math.floor(random() * bytes.length) : 0;
    if (middle > 0) {
      socket.write(bytes.subarray(0, middle));
      await pauseFor(random, 3);
    }
    socket.write(bytes.subarray(middle));
  }

  const serve = (socket: Socket) => {
    peer.connections += 1;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    let received = "";
    const owed: Buffer[] = [];
    socket.on("data", async (bytes) => {
      received += bytes.toString("latin1");
      const end = received.indexOf("\r\n\r\n") + 4;
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (end < 4 || received.length < end + length) return;
      const headers = received.slice(0, end);
      const request = { target: headers.split(" ")[1] as string, headers, body: received.slice(end, end + length) };
      received = "";
      peer.requests += 1;
      const body = answer(request);
      const fault = answerFault(body);
      const { status, text } = typeof fault === "object" ? fault : { status: 200, text: body as string };
      const type = "Content-Type: application/json\r\n";
      const head = `HTTP/1.1 ${status} Any\r\n${type}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n`;
      const response = Buffer.from(head + text);
      if (fault === "nothing") return;
      if (fault === "cut off") {
        socket.end(response.subarray(0, -3));
        return;
      }
      const isTwice = typeof duplicate === "number" ? random() * 1_000 < duplicate : duplicate.includes(peer.requests);
      if (isTwice) peer.duplicates += 1;
      owed.push(response, ...(isTwice ? [response] : []));
      if (delay > 0) await pauseFor(random, delay);
      await send(socket, owed.shift());
      if (shifts || owed.length === 0) return;
      if (random() < 0.5) await pauseFor(random, 5);
      await send(socket, owed.shift());
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  const peer: ShiftingPeer = {
    port: await listenLocally(server),
    connections: 0,
    requests: 0,
    duplicates: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return peer;
}
