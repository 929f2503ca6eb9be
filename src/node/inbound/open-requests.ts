// The requests in flight on each connection of a listener, and the limit of one connection.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Clients and load balancers hardly pipeline. Node starts every request that one read contains, some
 * 300 small ones, and keeps them until their responses are sent: without a limit a few dozen
 * connections, even without an API key, could fill the memory.
 */
const MAX_OPEN_REQUESTS = 32;

interface Connection {
  responses: Set<ServerResponse>;
  /** After an ambiguous request everything that follows on the connection is ambiguous too. */
  isRefused: boolean;
}

export class OpenRequests {
  readonly #connections = new Map<Socket, Connection>();

  /** The responses that are not completely sent. */
  responses(): ServerResponse[] {
    return [...this.#connections.values()].flatMap(({ responses }) => [...responses]);
  }

  /** @returns false if the request must not be answered; a connection with too many requests is destroyed */
  admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
    const { responses, isRefused } = this.#connection(socket);
    if (isRefused) return false;
    if (responses.size >= MAX_OPEN_REQUESTS || socket.destroyed) {
      socket.destroy();
      return false;
    }
    responses.add(response);
    response.once("close", () => responses.delete(response));
    return true;
  }

  /** Refuses all further requests on this connection. */
  refuse(socket: Socket): void {
    this.#connection(socket).isRefused = true;
  }

  #connection(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = { responses: new Set<ServerResponse>(), isRefused: false };
    this.#connections.set(socket, connection);
    socket.once("close", () => this.#connections.delete(socket));
    return connection;
  }
}
