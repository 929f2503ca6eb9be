// Guesses what somebody meant who misspelt a name.

import { closest, distance } from "fastest-levenshtein";

/** @returns `: did you mean "client_id"?` where one of the known names is near, otherwise nothing */
export function suggestion(misspelt: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const nearest = closest(misspelt.toLowerCase(), known);
  // A third of the letters may be wrong: enough for typing errors and missing parts, too little for another word.
  const limit = Math.max(1, Math.floor(nearest.length / 3));
  const given = misspelt.toLowerCase();
  const sorted = (text: string) => [...text].sort().join("");
  // Two letters that changed places are one typing error, which Levenshtein counts as two.
  const swapped = distance(given, nearest) === 2 && sorted(given) === sorted(nearest);
  return swapped || distance(given, nearest) <= limit ? `: did you mean "${nearest}"?` : "";
}
