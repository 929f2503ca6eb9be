// Checks the options of the middlewares when they are created: a mistake stops the start, not the first request.

import { HEADER_VALUE } from "../core/headers.ts";

/** A day: no wait is longer, and a timer of more than 24.8 days would go off at once. */
const MAX_DURATION_MS = 86_400_000;

/** What a realm may hold, so that it needs no escape in a challenge. */
const REALM = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/;

export const DEFAULT_REALM = "resource server";

/**
 * @param fault what is wrong with it, as a phrase that never repeats the value
 * @throws {TypeError} where there is a fault
 */
export function requireOption(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new TypeError(`"${name}" ${fault}`);
}

/** @param faultOf further judgement of what is text */
export function textFault(value: unknown, faultOf?: (text: string) => string | undefined): string | undefined {
  if (typeof value !== "string" || value === "") return "must be text that is not empty";
  return faultOf?.(value);
}

export function headerFault(value: unknown): string | undefined {
  if (value === "") return "is empty: give it a value";
  return typeof value === "string" && HEADER_VALUE.test(value) ? undefined : "must be visible ASCII";
}

export function realmFault(value: unknown): string | undefined {
  return typeof value === "string" && REALM.test(value)
    ? undefined
    : "must be visible ASCII without quotes or backslashes";
}

export function millisecondsFault(value: unknown, least: 0 | 1): string | undefined {
  const fits = Number.isInteger(value) && (value as number) >= least && (value as number) <= MAX_DURATION_MS;
  return fits ? undefined : `must be a whole number of milliseconds from ${least} to ${MAX_DURATION_MS}`;
}
