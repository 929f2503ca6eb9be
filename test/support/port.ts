// A port for a proxy that has to know its own address before it starts, since its issuer stands in its file.

import { once } from "node:events";
import net, { type AddressInfo, createServer } from "node:net";

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** What systemd does with a .socket unit: it holds a socket on a port that was free, and takes no connection itself. */
export async function holdSocket(): Promise<{ fd: number; port: number; close(): void }> {
  const port = await freePort();
  const create = (net as unknown as { _createServerHandle: (address: string, port: number, family: 4) => unknown })
    ._createServerHandle;
  const handle = create("127.0.0.1", port, 4) as { fd: number; close(): void };
  return { fd: handle.fd, port, close: () => handle.close() };
}
