// The small parts that the status page is made of.

import type { Level } from "./page-health.ts";
import { type Html, type HtmlValue, html } from "./page-html.ts";
import { ago } from "./page-words.ts";
import type { LastOutcome } from "./snapshot.ts";

/** Shapes and words beside the colours, for who does not see those. */
export const SHAPES: Readonly<Record<Level, Html>> = {
  good: html`<path d="M3.5 8.5l3 3 6-7"/>`,
  warning: html`<path d="M8 3.5v5.5M8 12v.5"/>`,
  bad: html`<path d="M4 4l8 8M12 4l-8 8"/>`,
};

export function icon(level: Level): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[level]}</svg>`;
}

export function pill(level: Level, words: string): Html {
  return html`<span class="pill ${level}">${icon(level)}${words}</span>`;
}

export function fact(name: HtmlValue, value: HtmlValue): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>
`;
}

export function none(words = "none"): Html {
  return html`<span class="none">${words}</span>`;
}

/** `token` and `answered` are good, `refused` is the user's own; all else went wrong. */
export function outcome(words: string): Html {
  const kind = words === "token" || words === "answered" ? "good" : words === "refused" ? "refused" : "bad";
  return html`<span class="outcome ${kind}">${words}</span>`;
}

export function lastOutcome(last: LastOutcome | undefined, now: number): Html {
  return last === undefined
    ? none("no call yet")
    : html`${outcome(last.outcome)} <span class="age">${ago(last.at, now)}</span>`;
}

export interface Table {
  /** Of the section, and the prefix of its other ids. */
  id: string;
  heading: string;
  caption: string;
  /** A number is set to the right. */
  columns: readonly { name: string; isNumber?: boolean }[];
  /** The first cell of each is its header. */
  rows: readonly (readonly HtmlValue[])[];
  /** Where there is no row. */
  empty: string;
}

/** It scrolls in a box of its own, which the keyboard reaches too. */
export function table({ id, heading, caption, columns, rows, empty }: Table): Html {
  const cell = (value: HtmlValue, index: number) =>
    index === 0 ? html`<th scope="row">${value}</th>` : html`<td${numeric(columns[index]?.isNumber)}>${value}</td>`;
  const body =
    rows.length === 0
      ? html`<p class="empty">${empty}</p>`
      : html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-heading">
<table>
<caption>${caption}</caption>
<thead><tr>${columns.map(({ name, isNumber }) => html`<th scope="col"${numeric(isNumber)}>${name}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)}</tbody>
</table>
</div>`;
  return html`<section class="panel" id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${body}
</section>
`;
}

function numeric(isNumber: boolean | undefined): Html | undefined {
  return isNumber ? html` class="number"` : undefined;
}
