// Between proxy and provider: passes TCP on unchanged, and keeps the bytes that the provider sent.

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export interface Tee {
  open(): Promise<void>;
  /** Closes the port and all connections: nobody listens there any more. */
  close(): Promise<void>;
  /** All bytes that the provider has sent since the last time. */
  take(): Buffer;
}

export function startTee(port: number, targetPort: number): Tee {
  const sockets = new Set<Socket>();
  let received: Buffer[] = [];
  let server: Server | undefined;

  function accept(client: Socket): void {
    const provider = connect(targetPort, "127.0.0.1");
    for (const [socket, other] of [
      [client, provider],
      [provider, client],
    ] as const) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.once("close", (hadError) => {
        sockets.delete(socket);
        if (hadError) other.destroy();
        else other.end();
      });
    }
    provider.on("data", (bytes) => received.push(bytes));
    client.pipe(provider);
    provider.pipe(client);
  }

  return {
    async open() {
      server = createServer(accept).listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      if (server?.listening !== true) return;
      server.close();
      await once(server, "close");
    },
    take() {
      const bytes = Buffer.concat(received);
      received = [];
      return bytes;
    },
  };
}

/** The body of the only HTTP/1.1 answer in these bytes, without the framing of its chunks. */
export function bodyOf(bytes: Buffer): Buffer {
  const end = bytes.indexOf("\r\n\r\n");
  const head = bytes.subarray(0, end).toString("latin1").toLowerCase();
  const rest = bytes.subarray(end + 4);
  if (!/^transfer-encoding:.*chunked/m.test(head)) return rest;
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const line = rest.indexOf("\r\n", at);
    const length = Number.parseInt(rest.subarray(at, line).toString("latin1"), 16);
    if (!(length > 0)) return Buffer.concat(chunks);
    chunks.push(rest.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
}
