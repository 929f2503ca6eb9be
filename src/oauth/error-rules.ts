// Whom a provider's error concerns, as far as the file or the provider's kind says so.

import { KINDS } from "./kinds/index.ts";
import type { About, KnownError } from "./kinds/kind.ts";
import type { ProviderSettings } from "./provider-settings.ts";

export type ErrorRules = Pick<ProviderSettings, "kind" | "user_errors" | "proxy_errors">;

/** Finds what the first matching rule says of an `error` and its `error_description`. */
export type FindRule = ReturnType<typeof compileErrorRules>;

/** In the file, a description is more specific than a code, and so comes first. */
export function compileErrorRules({ kind, user_errors, proxy_errors }: ErrorRules) {
  const from = (rules: ErrorRules["user_errors"], about: About) =>
    rules
      .map((rule) => (typeof rule === "string" ? { error: rule, description: ["*"] } : rule))
      .flatMap(({ error, description }) => description.map((text): KnownError => [about, error, text, ""]));
  const ofFile = [...from(user_errors, "user"), ...from(proxy_errors, "proxy")];
  ofFile.sort(([, , one], [, , other]) => Number(one === "*") - Number(other === "*"));
  const rules = [...ofFile, ...(kind === undefined ? [] : KINDS[kind].errors)];
  return (error: string, description: string) => {
    const index = rules.findIndex(([, code, pattern]) => code === error && isMatch(description, pattern));
    const [about, , , means = "", setting] = rules[index] ?? [];
    const by: "file" | "kind" = index < ofFile.length ? "file" : "kind";
    return about && { about, by, advice: setting === undefined ? means : `${means}: see ${setting}`, setting };
  };
}

/** Its time is linear in the text, whatever the pattern is. */
function isMatch(text: string, pattern: string): boolean {
  const [start = "", ...parts] = pattern.split("*");
  const end = parts.pop();
  if (end === undefined || !text.startsWith(start)) return text === pattern;
  let at = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= text.length - end.length && text.endsWith(end);
}
