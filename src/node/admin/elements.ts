// The building blocks of the status page. `html` escapes every value that it did not make itself.

import { html } from "hono/html";
import { duration } from "./format.ts";
import type { Level } from "./health.ts";

export type Html = ReturnType<typeof html>;

export function pill(level: Level, text: string): Html {
  return html`<span class="pill ${level}">${text}</span>`;
}

export const none = (text = "–"): Html => html`<span class="muted">${text}</span>`;

export function outcome(code: string): Html {
  const level = code === "token" || code === "answered" ? "good" : code === "refused" ? "warning" : "bad";
  return html`<strong class="${level}">${code}</strong>`;
}

/** "14:03:27", in UTC. */
export const timeOfDay = (at: number): string => new Date(at).toISOString().slice(11, 19);

export const ago = (at: number, now: number): string => `${duration(now - at)} ago`;

/** @param content an element, whose text the button copies. @param what for screen readers */
export function copyable(content: Html, what: string): Html {
  return html`<div class="copyable">${content}<button type="button" class="copy" aria-label="Copy ${what}">Copy</button></div>`;
}

/** A page on another address than loopback has no clipboard: there the text is only selected. */
export const COPY_SCRIPT = `
addEventListener("click", async ({ target }) => {
  if (!target.matches(".copy")) return;
  const source = target.previousElementSibling;
  getSelection().selectAllChildren(source);
  const written = navigator.clipboard?.writeText(source.textContent).then(() => "Copied", () => "Selected");
  target.textContent = (await written) ?? "Selected";
});
`;

export function panel(heading: string, content: Html): Html {
  return html`<section aria-label="${heading}">
<h2>${heading}</h2>
${content}
</section>
`;
}

/** Cells by the heading of their column. The first one is the header of its row. */
type Row = Readonly<Record<string, Html | string>>;

export function table(heading: string, caption: string, rows: readonly Row[]): Html {
  if (rows[0] === undefined) return panel(heading, html`<p class="muted">None.</p>`);
  const content = html`<div class="scroll" role="group" tabindex="0" aria-label="${heading}">
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
  return panel(heading, content);
}
