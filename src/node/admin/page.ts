// The status page: what the service is doing, for the operator, as one HTML document without script that refreshes itself.

import { type Health, healthOf, type Level } from "./page-health.ts";
import { type Html, html } from "./page-html.ts";
import { fact, icon, pill, SHAPES } from "./page-parts.ts";
import { providersPart } from "./page-providers.ts";
import { STYLE, STYLE_SHA256 } from "./page-style.ts";
import { callsPart, certificatesPart, keysPart, nextAuthPart, reloadPart } from "./page-tables.ts";
import { tryItPart } from "./page-try-it.ts";
import { clockTime, count, duration } from "./page-words.ts";
import type { Snapshot } from "./snapshot.ts";
import type { TryItView } from "./try-it.ts";

export interface StatusPageOptions {
  /** Milliseconds since the epoch. */
  now: number;
  /** Whether the request's query has `paused`: then the page stays as it is (WCAG 2.2.2). */
  paused?: boolean | undefined;
  /** Dev mode alone. */
  tryIt?: TryItView | undefined;
}

const REFRESH_SECONDS = 5;

/** Nothing is loaded, run, framed or sent elsewhere. The one image is the icon of the browser's tab, which stands in the page. */
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_SHA256}'`,
  "img-src data:",
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join("; ");

const TAB_COLOURS: Readonly<Record<Level, string>> = { good: "#1b6b43", warning: "#855500", bad: "#b0261f" };

export const STATUS_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Type": "text/html; charset=utf-8",
  "Content-Security-Policy": POLICY,
  "X-Frame-Options": "DENY",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** @returns the whole document, to be sent with STATUS_PAGE_HEADERS from `/`, and from `/try-it` in answer to its form */
export function statusPage(snapshot: Snapshot, { now, paused = false, tryIt }: StatusPageOptions): string {
  const health = healthOf(snapshot, now);
  // What was entered or has come back would be gone with the next refresh.
  const stays = paused || tryIt?.result !== undefined || tryIt?.fault !== undefined;
  const refresh = stays ? undefined : html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">\n`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${health.words} · nextauth-token-proxy</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refresh}<link rel="icon" href="${tabIcon(health.level)}">
<style>${STYLE}</style>
</head>
<body>
<header>
<div class="bar">
<p class="product">nextauth-token-proxy</p>
<p class="refresh">As of ${clockTime(now)} UTC ${stays ? html`<a href="./">Go on refreshing</a>` : html`<a href="./?paused">Stop refreshing</a>`}</p>
</div>
<h1 class="${health.level}">${icon(health.level)}${health.words}</h1>
${concernsPart(health)}${factsPart(snapshot, now)}</header>
<main>
${tryIt === undefined ? undefined : tryItPart(tryIt, stays)}${providersPart(snapshot, now)}<div class="cards">
${nextAuthPart(snapshot, now)}${keysPart(snapshot, now)}${certificatesPart(snapshot, now)}${reloadPart(snapshot, now)}</div>
${callsPart(snapshot)}</main>
</body>
</html>
`.text;
}

/** So that a tab in the background tells too. */
function tabIcon(level: Level): string {
  const { text } =
    html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="8" fill="${TAB_COLOURS[level]}"/><g fill="none" stroke="#fff" stroke-width="2">${SHAPES[level]}</g></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(text)}`;
}

function concernsPart({ concerns }: Health): Html | undefined {
  if (concerns.length === 0) return undefined;
  const items = concerns.map(
    ({
      level,
      words,
      where,
    }) => html`<li>${pill(level, level === "bad" ? "Fault" : "Warning")} <a href="#${where}">${words}</a></li>
`,
  );
  return html`<ul class="concerns" aria-label="What needs attention">
${items}</ul>
`;
}

function factsPart({ version, node, started_at, in_flight }: Snapshot, now: number): Html {
  return html`<dl class="facts">
${fact("Version", version)}${fact("Node", node)}${fact("Up for", html`<time datetime="${new Date(started_at).toISOString()}">${duration(now - started_at)}</time>`)}${fact("Calls in flight", count(in_flight))}</dl>
`;
}
