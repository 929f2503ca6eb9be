// What is told of a command line that cannot be meant: one line with a hint, and nothing of its values, of which one may be a secret.

import { suggestion } from "../config/suggestion.ts";
import { UsageError } from "../core/errors.ts";
import { COMMAND_NAMES, type CommandName } from "./help.ts";

/**
 * The words of the parser, without what was typed behind an option or in place of nothing.
 * @param text what commander would say, its guess on a second line
 * @param command whose --help helps
 */
export function usageFault(text: string, command: CommandName | undefined): string {
  const option = /^error: unknown option '(-[^='\s]*)/.exec(text)?.[1];
  const guess = / *\n\((Did you mean [^\n]*\?)\)\s*$/.exec(text)?.[1];
  const [said = ""] = text.split("\n");
  const fault =
    option !== undefined
      ? `unknown option '${option}'${guess === undefined ? "" : `: ${guess.replace("Did", "did").replace("?", "")}`}`
      : said
          .replace(/^error: /, "")
          .replace(/^(too many arguments for '[^']*')\..*$/, "$1: it takes options alone")
          .replace(/ argument missing$/, " needs a value");
  return `${fault}; see "nextauth-token-proxy ${command === undefined ? "" : `${command} `}--help"`;
}

/**
 * Without this, whatever is no command would be taken for an argument of `start`.
 * @param args of the command line
 * @throws {UsageError}
 */
export function assertCommand([first]: readonly string[]): void {
  const known = [...COMMAND_NAMES, "help"];
  if (first === undefined || first.startsWith("-") || known.includes(first)) return;
  const hint = suggestion(first, known) || `: there are ${COMMAND_NAMES.join(", ")};`;
  throw new UsageError(`unknown command${hint} see "nextauth-token-proxy --help"`);
}
