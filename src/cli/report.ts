// The lines that `check` writes.

import { TokenProxyError } from "../core/errors.ts";

export function line(label: string, text: string): void {
  console.log(`${label.padEnd(18)}${text}`);
}

/** @throws whatever is no error of a call */
export function explain(error: unknown): string {
  if (!(error instanceof TokenProxyError)) throw error;
  const detail = Object.entries(error.detail ?? {}).map(([name, value]) => `${name} ${value}`);
  const cause = error.cause as { code?: string; name?: string } | undefined;
  const why = [...detail, ...(cause === undefined ? [] : [cause.code ?? cause.name ?? ""])].filter(Boolean);
  return `${error.code}: ${error.message}${why.length === 0 ? "" : ` (${why.join(", ")})`}`;
}
