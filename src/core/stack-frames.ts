// Where an error happened, and nothing of what it says.

/** The name that a stack begins with. Node's own errors have their code behind it, as `TypeError [ERR_INVALID_ARG_TYPE]`. */
const NAME = /^[\w$.]+(?: \[\w+\])?/;

/**
 * A message quotes what it failed on, and that may be a secret or a token; it may have lines that look like frames. So all of it goes
 * before frames are looked for.
 * @returns the frames of its stack, as `at name (file:line:column)`; none where the message is not found in it as it is
 */
export function framesOf({ message, stack }: Error): string[] {
  if (typeof stack !== "string") return [];
  const name = NAME.exec(stack)?.[0] ?? "";
  const head = message === "" ? name : `${name}: ${message}`;
  if (name === "" || !stack.startsWith(`${head}\n`)) return [];
  return (stack.slice(head.length).match(/^ +at .*$/gm) ?? []).map((line) => line.trim());
}
