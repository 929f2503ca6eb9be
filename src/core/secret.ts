// A secret that cannot be printed by accident, and the reference by which the configuration file names it.

/** Where a secret is: an environment variable (on Workers a binding) or a file (Node). */
export type SecretReference = { env: string } | { file: string };

/** Text that shows as `[secret]` wherever it is logged, inspected, joined to a string or serialised. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The text itself. Call it where the secret goes on the wire or into a hash, nowhere else. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  /** What console.log and util.inspect of Node show; the symbol is global, so no import of node:util is needed. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}
