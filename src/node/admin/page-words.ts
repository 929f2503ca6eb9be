// Numbers and times in the words of the status page.

import { type Html, html } from "./page-html.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
export const DAY_MS = 24 * HOUR;

const grouped = numberFormat({ maximumFractionDigits: 0 });
const tenths = numberFormat({ minimumFractionDigits: 1, maximumFractionDigits: 1 });
const oneDigit = numberFormat({ maximumFractionDigits: 1 });

/** Made for the first page: the first one of a process loads the words of all languages, 8 ms and 3 MB that no start needs. */
function numberFormat(options: Intl.NumberFormatOptions): { format(number: number): string } {
  let made: Intl.NumberFormat | undefined;
  return {
    format(number) {
      made ??= new Intl.NumberFormat("en", options);
      return made.format(number);
    },
  };
}

export function count(number: number): string {
  return grouped.format(number);
}

/** "1 call", "1,200 calls". */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Small rates with a digit after the point: one call in five minutes is not none. */
export function rate(perMinute: number): string {
  return (perMinute < 10 ? oneDigit : grouped).format(perMinute);
}

/** What is there is never shown as nothing, nor as all where something is missing. */
export function percent(part: number, whole: number): string {
  const share = (part / whole) * 100;
  if (part > 0 && share < 0.1) return "< 0.1 %";
  if (part < whole && share > 99.9) return "> 99.9 %";
  return `${(share < 10 ? oneDigit : grouped).format(share)} %`;
}

/** As exact as it is worth for a time that is an estimate. */
export function roughly(ms: number): string {
  if (ms >= SECOND) return `${oneDigit.format(ms / SECOND)} s`;
  return `${(ms < 10 ? oneDigit : grouped).format(ms)} ms`;
}

/** With a digit after the point, so that a column of them is in line. */
export function milliseconds(ms: number): string {
  return `${tenths.format(ms)} ms`;
}

/** In the two largest units that say something. */
export function duration(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY_MS) return two(Math.floor(ms / HOUR), "h", Math.floor((ms % HOUR) / MINUTE), "min");
  const hours = ms < 10 * DAY_MS ? Math.floor((ms % DAY_MS) / HOUR) : 0;
  return two(Math.floor(ms / DAY_MS), ms < 2 * DAY_MS ? "day" : "days", hours, "h");
}

function two(first: number, unit: string, second: number, smaller: string): string {
  return second === 0 ? `${count(first)} ${unit}` : `${count(first)} ${unit} ${second} ${smaller}`;
}

/** How long ago, with the time itself for whoever points at it. A clock may have been set back: then it is now. */
export function ago(at: number, now: number): Html {
  const text = now - at < SECOND ? "just now" : `${duration(now - at)} ago`;
  return html`<time datetime="${iso(at)}" title="${iso(at)}">${text}</time>`;
}

/** Hours, minutes and seconds, in UTC. */
export function clockTime(at: number): Html {
  return html`<time datetime="${iso(at)}" title="${iso(at)}">${iso(at).slice(11, 19)}</time>`;
}

/** Hours and minutes, in UTC. */
export function minuteTime(at: number): string {
  return iso(at).slice(11, 16);
}

/** A date of the file; undefined where it is none. @returns milliseconds since the epoch */
export function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** A certificate may be good for longer than a Date reaches. */
export function iso(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
