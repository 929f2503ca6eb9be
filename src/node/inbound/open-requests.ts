// What is open on each connection of a listener: the requests that have no answer yet, and how many there may be.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Clients and load balancers hardly pipeline at all. Node makes requests of all that it reads at once, some 300 small ones, and all
 * of them live until their answers are written: some dozens of connections that send without end would fill the memory, and need no
 * key for it.
 */
const MAX_OPEN_REQUESTS = 32;

interface Connection {
  answers: ServerResponse[];
  /** Something on it could be read two ways: then so can all that follows. */
  isRefused: boolean;
}

/**
 * A list for each connection, which stays as long as that. A Map of all answers moves to a new table every hundred or two; the old
 * ones, which V8 keeps until its next full collection, keep all that was open then: a call took 9 % more CPU, one in a hundred twice as
 * long, and the process 60 MiB more.
 */
export class OpenRequests {
  readonly #connections = new Map<Socket, Connection>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The responses that are not yet sent. */
  answers(): ServerResponse[] {
    return [...this.#connections.values()].flatMap(({ answers }) => answers);
  }

  /** @returns false where the request is none to answer: its connection is refused, or has too many open and is cut off */
  admit({ socket }: IncomingMessage, outgoing: ServerResponse): boolean {
    const connection = this.#connections.get(socket) ?? this.#add(socket);
    if (connection.isRefused) return false;
    if (connection.answers.length >= MAX_OPEN_REQUESTS || socket.destroyed) {
      socket.destroy();
      return false;
    }
    connection.answers.push(outgoing);
    this.#size += 1;
    outgoing.once("close", () => {
      drop(connection.answers, outgoing);
      this.#size -= 1;
    });
    return true;
  }

  /** Answers nothing more on this connection. */
  refuse(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (connection !== undefined) connection.isRefused = true;
  }

  #add(socket: Socket): Connection {
    const connection = { answers: [], isRefused: false };
    this.#connections.set(socket, connection);
    socket.once("close", () => this.#connections.delete(socket));
    return connection;
  }
}

/** The order does not matter, and in place no list is made anew. */
function drop<T>(list: T[], item: T): void {
  const last = list.pop() as T;
  if (last !== item) list[list.indexOf(item)] = last;
}
