// Whom a provider's error concerns, as far as the file or the provider's kind says so.

import { KINDS, type KindName } from "./kinds/index.ts";
import type { About } from "./kinds/kind.ts";

/** A code, or a code with one of these descriptions, in which `*` matches any text. */
export type ErrorRule = string | { error: string; description: readonly string[] };

export interface ErrorRules {
  kind?: KindName | undefined;
  /** These are about the user. */
  user_errors: readonly ErrorRule[];
  /** These are about this proxy. */
  proxy_errors: readonly ErrorRule[];
}

export interface Judgement {
  about: About;
  by: "file" | "kind";
  /** What a kind knows about the error. */
  advice?: string;
}

/** @returns what the first matching rule says of an `error` and its `error_description` */
export type JudgeError = (error: string, description: string) => Judgement | undefined;

/** In the file, a description is more specific than a code, and so comes first. */
export function compileErrorRules({ kind, user_errors, proxy_errors }: ErrorRules): JudgeError {
  const written = [
    ...user_errors.map((rule) => ({ rule, about: "user" as const })),
    ...proxy_errors.map((rule) => ({ rule, about: "proxy" as const })),
  ].sort((a, b) => Number(typeof a.rule === "string") - Number(typeof b.rule === "string"));
  const rules = [
    ...written.map(({ rule, about }) => ({
      ...(typeof rule === "string" ? { error: rule, description: ["*"] } : rule),
      judgement: { about, by: "file" as const },
    })),
    ...(kind === undefined ? [] : KINDS[kind].errors).map(([about, error, description, means, setting]) => ({
      ...{ error, description: [description] },
      judgement: { about, by: "kind" as const, advice: setting === undefined ? means : `${means}: see ${setting}` },
    })),
  ];
  return (error, description) =>
    rules.find((rule) => rule.error === error && rule.description.some((one) => isMatch(description, one)))?.judgement;
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
