// One connection to a provider, which knows whether it has carried an answer before: a server may close such a one at any time.

import { Client, type Dispatcher } from "undici";

/** A handler that wants to know which connection its request goes out on. */
export interface ConnectionAware extends Dispatcher.DispatchHandler {
  connection?: Connection;
}

export class Connection extends Client {
  #answers = 0;

  constructor(origin: URL, options: Client.Options) {
    super(origin, options);
    this.on("connect", () => {
      this.#answers = 0;
    });
  }

  /** Whether an answer has come over the socket that is open now. */
  get isReused(): boolean {
    return this.#answers > 0;
  }

  noteAnswer(): void {
    this.#answers += 1;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: ConnectionAware): boolean {
    handler.connection = this;
    return super.dispatch(options, handler);
  }
}
