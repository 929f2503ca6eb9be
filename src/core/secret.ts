// A secret that cannot be printed by accident.

/** Shows as `[secret]` wherever it is logged, inspected, concatenated or serialised. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Call it only where the secret goes on the wire or into a hash. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  /** For console.log and util.inspect; the symbol is global, so node:util need not be imported. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}
