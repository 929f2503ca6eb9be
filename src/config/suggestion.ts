// Guesses which name was meant by a misspelt one.

import { closest, distance } from "fastest-levenshtein";

/** @returns `; did you mean "client_id"?`, or an empty text if no known name is similar */
export function suggestion(misspelt: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const given = misspelt.toLowerCase();
  const nearest = closest(given, known);
  const sorted = (text: string) => [...text].sort().join("");
  // Two swapped letters are one typing error, but count as two.
  const isSwap = distance(given, nearest) === 2 && sorted(given) === sorted(nearest);
  // A third of the letters may differ: enough for typing errors, too little for another word.
  const limit = Math.max(1, Math.floor(nearest.length / 3));
  return isSwap || distance(given, nearest) <= limit ? `; did you mean "${nearest}"?` : "";
}
