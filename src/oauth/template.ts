// Templates of the configuration file: text with `{{name}}` places that each call fills in.

export interface Template {
  /** Every name that stands in it, in order, repeats included. */
  readonly names: readonly string[];
  /** The text with every place filled in. `value` is asked once per place and throws where it has none. */
  render(value: (name: string) => string): string;
}

const PLACE = /\{\{([^{}]*)\}\}/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;

/** What is wrong with a template; the message fits behind the path of the key that holds it. */
export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
}

/**
 * Reads a template once, so that rendering is only concatenation.
 * @throws {TemplateSyntaxError} for an unclosed place or a name that is none
 */
export function parseTemplate(text: string): Template {
  const literals: string[] = [];
  const names: string[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACE)) {
    const name = (match[1] as string).trim();
    if (!NAME.test(name)) {
      throw new TemplateSyntaxError(`has a template with no proper name in it: write {{name}}, like {{userid}}`);
    }
    literals.push(text.slice(end, match.index));
    names.push(name);
    end = match.index + match[0].length;
  }
  const last = text.slice(end);
  literals.push(last);
  if (literals.some((literal) => literal.includes("{{"))) {
    throw new TemplateSyntaxError(`has a template that is never closed: write {{name}}, like {{userid}}`);
  }
  return {
    names,
    render(value) {
      let rendered = literals[0] as string;
      for (let i = 0; i < names.length; i++) {
        rendered += value(names[i] as string) + (literals[i + 1] as string);
      }
      return rendered;
    },
  };
}
