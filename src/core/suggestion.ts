// Which known name a misspelt one may stand for.

import { closest, distance } from "fastest-levenshtein";

/** @returns `; did you mean "client_id"?`, or an empty text if no known name is similar */
export function suggestion(misspelt: string, known: readonly string[]): string {
  const name = nearest(misspelt, known);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

export function nearest(misspelt: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const given = misspelt.toLowerCase();
  const name = closest(given, known);
  // A third of the letters may differ: enough for typing errors, too little for another word.
  return distance(given, name) <= Math.ceil(name.length / 3) ? name : undefined;
}
