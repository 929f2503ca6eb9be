// The building blocks of the status page. `html` escapes every value that it did not make itself.

import { html } from "hono/html";
import { duration } from "./format.ts";
import type { Level } from "./health.ts";

export type Html = ReturnType<typeof html>;

/** Shapes as well as colours, for readers who cannot tell the colours apart. */
const SHAPES = { good: "M3.5 8.5l3 3 6-7", warning: "M8 3.5v5.5M8 12v.5", bad: "M4 4l8 8M12 4l-8 8" };
const TAB_COLOURS = { good: "#1b6b43", warning: "#855500", bad: "#b0261f" };

export function icon(level: Level): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${SHAPES[level]}"/></svg>`;
}

/** The URL of an icon that shows the state in a background tab. */
export function tabIcon(level: Level): string {
  const circle = `<circle cx="8" cy="8" r="8" fill="${TAB_COLOURS[level]}"/>`;
  const shape = `<path fill="none" stroke="#fff" stroke-width="2" d="${SHAPES[level]}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${circle}${shape}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
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

/** @param at milliseconds since the epoch. The tooltip shows it in full */
export function time(at: number, text: string): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${text}</time>`;
}

export function ago(at: number, now: number): Html {
  return time(at, now - at < 1_000 ? "just now" : `${duration(now - at)} ago`);
}

/** A part of the page under its heading. */
export function panel(id: string, heading: string, content: Html): Html {
  return html`<section class="panel" id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}
</section>
`;
}

/** Cells by the heading of their column. The first one is the header of its row. */
type Row = Readonly<Record<string, Html | string>>;

/** A panel with a table that scrolls sideways on a narrow screen, or with the text `empty`. */
export function table(id: string, heading: string, caption: string, rows: readonly Row[], empty: string): Html {
  if (rows[0] === undefined) return panel(id, heading, html`<p class="empty">${empty}</p>`);
  const content = html`<div class="scroll" role="group" tabindex="0" aria-labelledby="${id}-heading">
<table>
<caption>${caption}</caption>
<thead><tr>${Object.keys(rows[0]).map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows.map((row) => {
  const [first, ...rest] = Object.values(row);
  return html`<tr><th scope="row">${first}</th>${rest.map((cell) => html`<td>${cell}</td>`)}</tr>\n`;
})}
</tbody>
</table>
</div>`;
  return panel(id, heading, content);
}
