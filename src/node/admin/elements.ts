// The building blocks of the status page. `html` escapes every value that it did not make itself.

import { html } from "hono/html";
import { duration } from "./format.ts";
import type { Level } from "./health.ts";
import type { LastOutcome } from "./recorder.ts";

export type Html = ReturnType<typeof html>;

/** Shapes as well as colours, for readers who cannot tell the colours apart. */
export const SHAPES: Readonly<Record<Level, string>> = {
  good: "M3.5 8.5l3 3 6-7",
  warning: "M8 3.5v5.5M8 12v.5",
  bad: "M4 4l8 8M12 4l-8 8",
};

export function icon(level: Level): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${SHAPES[level]}"/></svg>`;
}

export function pill(level: Level, text: string): Html {
  return html`<span class="pill ${level}">${icon(level)}${text}</span>`;
}

export function fact(name: string, value: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`;
}

/** Muted text in place of a missing value. */
export function none(text = "–"): Html {
  return html`<span class="none">${text}</span>`;
}

export function outcome(code: string): Html {
  const isGood = code === "token" || code === "answered";
  return html`<span class="outcome ${isGood ? "good" : code === "refused" ? "refused" : "bad"}">${code}</span>`;
}

export function lastOutcome(last: LastOutcome | undefined, now: number): Html {
  if (last === undefined) return none("no call yet");
  return html`${outcome(last.outcome)} <span class="age">${ago(last.at, now)}</span>`;
}

/** @param at milliseconds since the epoch. The tooltip shows it in full */
export function time(at: number, text: string): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${text}</time>`;
}

export function ago(at: number, now: number): Html {
  return time(at, now - at < 1_000 ? "just now" : `${duration(now - at)} ago`);
}

export interface Table {
  id: string;
  heading: string;
  caption: string;
  columns: readonly string[];
  /** The first cell of a row is its header. */
  rows: readonly (readonly (Html | string)[])[];
  /** Text to show without rows. */
  empty: string;
}

/** A section with a table that scrolls sideways on a narrow screen. */
export function table({ id, heading, caption, columns, rows, empty }: Table): Html {
  return html`<section class="panel" id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${
  rows.length === 0
    ? html`<p class="empty">${empty}</p>`
    : html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-heading">
<table>
<caption>${caption}</caption>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows.map(([first, ...rest]) => html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}
</tbody>
</table>
</div>`
}
</section>
`;
}
