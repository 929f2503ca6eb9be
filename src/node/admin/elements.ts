// The building blocks of the status page. `html` escapes every value that it did not make itself.

import { html } from "hono/html";
import { duration } from "./format.ts";
import type { Level } from "./health.ts";

export type Html = ReturnType<typeof html>;

export function pill(level: Level, text: string): Html {
  return html`<span class="pill ${level}">${text}</span>`;
}

export function fact(name: string, value: Html | string): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`;
}

/** Muted text in place of a missing value. */
export function none(text = "–"): Html {
  return html`<span class="muted">${text}</span>`;
}

export function outcome(code: string): Html {
  const isGood = code === "token" || code === "answered";
  return html`<span class="outcome ${isGood ? "good" : code === "refused" ? "warning" : "bad"}">${code}</span>`;
}

/** @param at milliseconds since the epoch. The tooltip shows it in full */
export function time(at: number, text: string): Html {
  const iso = new Date(at).toISOString();
  return html`<time datetime="${iso}" title="${iso}">${text}</time>`;
}

export function ago(at: number, now: number): Html {
  return time(at, now - at < 1_000 ? "just now" : `${duration(now - at)} ago`);
}

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

/** A part of the page under its heading. */
export function panel(id: string, heading: string, content: Html): Html {
  return html`<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading">${heading}</h2>
${content}
</section>
`;
}

/** Cells by the heading of their column. The first one is the header of its row. */
type Row = Readonly<Record<string, Html | string>>;

/** A panel with a table that scrolls sideways on a narrow screen, or with the text `empty`. */
export function table(id: string, heading: string, caption: string, rows: readonly Row[], empty: string): Html {
  if (rows[0] === undefined) return panel(id, heading, html`<p class="muted">${empty}</p>`);
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
