// JSON pointers (RFC 6901) into a parsed body.

/** The names on the way that a pointer describes. */
export function pointerTokens(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** @returns a function that gives the value a pointer names, or undefined where the document has none there */
export function compilePointer(pointer: string): (document: unknown) => unknown {
  const tokens = pointerTokens(pointer);
  return (document) => {
    let value = document;
    for (const token of tokens) {
      // Own members only: "/constructor" and "/__proto__" of an object that lacks them name nothing.
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) return undefined;
      if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
      value = (value as Record<string, unknown>)[token];
    }
    return value;
  };
}
