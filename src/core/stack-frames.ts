// Where an error happened, without what its message says.

/** The start of a stack. Node's own errors add a code, like `TypeError [ERR_INVALID_ARG_TYPE]`. */
const NAME = /^[\w$.]+(?: \[\w+\])?/;

/**
 * A message may quote a secret or a token, on lines that look like frames, so it is cut off first.
 * @returns frames like `at name (file:line:column)`; none if the message cannot be cut off
 */
export function framesOf({ message, stack }: Error): string[] {
  if (typeof stack !== "string") return [];
  const name = NAME.exec(stack)?.[0] ?? "";
  const head = message === "" ? name : `${name}: ${message}`;
  if (name === "" || !stack.startsWith(`${head}\n`)) return [];
  return (stack.slice(head.length).match(/^ +at .*$/gm) ?? []).map((line) => line.trim());
}
