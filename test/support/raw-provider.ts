// A provider on a bare socket that counts connections, and what keeps this process alive.

import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { listenLocally } from "./port.ts";
import type { Answer, RecordedRequest } from "./recording-provider.ts";

export interface RawProvider {
  port: number;
  /** Connections that are open now. */
  open(): number;
  requests: number;
  /** How requests are answered from now on. */
  answer: Answer;
  /** What happens to a connection before anything is read of it. */
  onConnection: ((socket: Socket) => void) | undefined;
  /** Ends every connection. */
  reset(): void;
  close(): Promise<void>;
}

/** Nothing of it keeps the process alive, so that activeResources counts only the proxy's. */
export async function startRawProvider(answer: Answer, tls?: TlsOptions): Promise<RawProvider> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.unref();
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
  };
  const serve = (socket: Socket) => {
    socket.on("error", () => {});
    if (provider.onConnection !== undefined) {
      socket.resume(); // else it would not notice that the other end is gone
      return provider.onConnection(socket);
    }
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1]);
      if (received.length < received.indexOf("\r\n\r\n") + 4 + length) return;
      received = "";
      provider.requests += 1;
      provider.answer(socket, NO_RECORD);
    });
  };
  const server: Server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  server.on("connection", track);
  server.on("tlsClientError", () => {});
  const port = await listenLocally(server);
  server.unref();

  const provider: RawProvider = {
    port,
    open: () => sockets.size,
    requests: 0,
    answer,
    onConnection: undefined,
    reset() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      provider.reset();
      server.close();
      await once(server, "close");
    },
  };
  return provider;
}

const NO_RECORD: RecordedRequest = { method: "", url: "", headers: {}, rawHeaders: [], body: "" };

/** Timers, sockets and requests that keep this process alive, by kind; idle ones do not. */
export function activeResources(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

/** @returns what there is more of than before, as `Timeout +1` */
export function leftOver(before: ReadonlyMap<string, number>): string[] {
  return [...activeResources()]
    .filter(([kind, count]) => count > (before.get(kind) ?? 0))
    .map(([kind, count]) => `${kind} +${count - (before.get(kind) ?? 0)}`);
}

/** For a busy machine to notice that a connection is closed. */
const NOTICE_MS = 15_000;

/** Waits until a value is right, without a timer that `found` could see. */
export async function until<T>(found: () => T, isRight: (value: T) => boolean, limit = NOTICE_MS): Promise<T> {
  for (const end = performance.now() + limit; ; ) {
    const value = found();
    if (isRight(value) || performance.now() > end) return value;
    await new Promise((done) => setTimeout(done, 5));
  }
}
