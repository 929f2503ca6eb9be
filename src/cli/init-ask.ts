// One answer for `init`: from an option, else from a terminal, else the usual one.

import { UsageError } from "../core/errors.ts";

export type Prompts = typeof import("@clack/prompts");

export interface Question {
  /** The option that answers it, like `--issuer` or `--set KEY`. */
  flag: string;
  message: string;
  /** Proposed on a terminal, and used without one. */
  initial?: string | undefined;
  /** Whether only an option can change `initial`. */
  isQuiet?: boolean;
  choices?: { value: string; label?: string; hint?: string }[];
  /** @returns a phrase that follows the option */
  fault?(answer: string): string | undefined;
}

/**
 * Ends the process after Ctrl-C.
 * @param options by flag; the answer removes its own
 * @param prompts undefined without a terminal
 * @throws {UsageError} for a wrong or missing option
 */
export async function answer(
  { flag, message, initial, isQuiet, choices, fault }: Question,
  options: Map<string, string>,
  prompts: Prompts | undefined,
): Promise<string> {
  const given = options.get(flag) ?? (prompts && !isQuiet ? undefined : initial);
  options.delete(flag);
  const validate = (text = "") =>
    /\p{Cc}/u.test(text) ? "must not have control characters" : text === "" ? "needs a value" : fault?.(text);
  if (given !== undefined) {
    const problem = validate(given);
    if (problem === undefined) return given;
    throw new UsageError(`${flag} ${problem}`);
  }
  if (prompts === undefined) {
    const known = choices ? `: one of ${choices.map(({ value }) => value).join(", ")}` : "";
    throw new UsageError(`${flag} is missing: ${message}${known}`);
  }
  const shown = `${/^--set (.*)/.exec(flag)?.[1]?.concat(": ") ?? ""}${message}`;
  const question = { message: shown, ...(initial !== undefined && { initialValue: initial }) };
  const reply = choices
    ? await prompts.autocomplete({
        ...question,
        options: choices,
        maxItems: 12,
        validate: (one) => validate(one as string),
      })
    : await prompts.text({ ...question, validate });
  if (!prompts.isCancel(reply)) return reply;
  prompts.cancel("Nothing was written.");
  return process.exit(1);
}
