// A connection to a provider that knows whether it was used before.

import { Client, type Dispatcher } from "undici";

/** A handler that gets to know the connection its request is sent on. */
export interface ConnectionAware extends Dispatcher.DispatchHandler {
  connection?: Connection;
}

export class Connection extends Client {
  /** Whether the open socket has carried a response before. A server may close such a socket at any time. */
  isReused = false;

  constructor(origin: URL, options: object) {
    super(origin, options as Client.Options);
    this.on("connect", () => {
      this.isReused = false;
    });
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionAware): boolean {
    handler.connection = this;
    return super.dispatch(options, handler);
  }
}
