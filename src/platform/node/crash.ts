// What is told of a bug that ends the process.

/**
 * Its name and where it happened. Node would print its message and a line of the source; a message quotes what it failed on, and that
 * may be a secret or a token.
 * @param thrown anything
 */
export function describeCrash(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `ended by a bug: thrown ${typeof thrown}`;
  const { name, message, stack = "" } = thrown;
  // A message may have lines that look like frames, so all of it goes before they are looked for.
  const head = `${name}: ${message}`;
  const frames = stack.startsWith(head) ? stack.slice(head.length).match(/^ +at .*$/gm) : null;
  return [`ended by a bug: ${name}`, ...(frames ?? [])].join("\n");
}
