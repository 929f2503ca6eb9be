// The requests in flight on each connection of a listener, and their limit per connection.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Clients hardly pipeline. But Node starts every request of one read, some 300 small ones, so without a
 * limit a few dozen connections, even without an API key, could fill the memory.
 */
const MAX_OPEN_REQUESTS = 32;

export class OpenRequests {
  readonly #connections = new Map<Socket, Set<ServerResponse>>();
  readonly #refused = new WeakSet<Socket>();

  /** The responses that are not completely sent. */
  responses(): ServerResponse[] {
    return [...this.#connections.values()].flatMap((responses) => [...responses]);
  }

  /** @returns false if the request must not be answered; a connection with too many requests is destroyed */
  admit({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#refused.has(socket)) return false;
    const responses = this.#connections.get(socket) ?? this.#addConnection(socket);
    if (responses.size >= MAX_OPEN_REQUESTS || socket.destroyed) {
      socket.destroy();
      return false;
    }
    responses.add(response);
    response.once("close", () => responses.delete(response));
    return true;
  }

  /** Answers nothing more on this connection: after an ambiguous request, the rest is ambiguous too. */
  refuse(socket: Socket): void {
    this.#refused.add(socket);
  }

  #addConnection(socket: Socket): Set<ServerResponse> {
    const responses = new Set<ServerResponse>();
    this.#connections.set(socket, responses);
    socket.once("close", () => this.#connections.delete(socket));
    return responses;
  }
}
