// Ports of loopback: for servers of a test, and for a proxy that must know its own address.

import { once } from "node:events";
import net, { type AddressInfo, createServer, type Server } from "node:net";

/** Below the ports of outgoing connections, which could take one before it is used. */
const LOWEST = 20_000;
const PER_WORKER = 1_000;
const first = LOWEST + (Number(process.env.VITEST_POOL_ID ?? 0) % 10) * PER_WORKER;
/** Not the same in another run of the suite at the same time. */
let next = process.pid % PER_WORKER;

/** A free port that no other test worker gets. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PER_WORKER; tries++) {
    const port = first + (next++ % PER_WORKER);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
  throw new Error(`no port from ${first} on is free`);
}

/** @returns the port on which the server listens now: any free one if none is given */
export async function listenLocally(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** Like a .socket unit of systemd: holds a socket on a free port, and accepts no connection. */
export async function holdSocket(): Promise<{ fd: number; port: number; close(): void }> {
  const port = await freePort();
  const create = (net as unknown as { _createServerHandle: (address: string, port: number, family: 4) => unknown })
    ._createServerHandle;
  const handle = create("127.0.0.1", port, 4) as { fd: number; close(): void };
  return { fd: handle.fd, port, close: () => handle.close() };
}
