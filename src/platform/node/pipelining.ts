// Bounds what one connection may have open at once: requests sent one behind the other, without waiting for their answers.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Clients and load balancers hardly pipeline at all. Node makes requests of all that it reads at once, some 300 small ones, and all
 * of them live until their answers are written: some dozens of connections that send without end would fill the memory, and need no
 * key for it.
 */
const MAX_OPEN_REQUESTS = 32;

const open = new WeakMap<Socket, number>();

/** @returns false where the connection has too many requests open: it is cut off */
export function admitPipelined({ socket }: IncomingMessage, outgoing: ServerResponse): boolean {
  const count = open.get(socket) ?? 0;
  if (count >= MAX_OPEN_REQUESTS || socket.destroyed) {
    socket.destroy();
    return false;
  }
  open.set(socket, count + 1);
  const end = () => open.set(socket, (open.get(socket) as number) - 1);
  // Not before all that was read with it is looked at: a refusal is written at once, and its memory is freed later.
  outgoing.once("close", () => setImmediate(end));
  return true;
}
