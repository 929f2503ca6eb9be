// A provider's last half hour as inline SVG: one bar per minute, of tokens, refusals and errors.

import { html } from "hono/html";
import type { Html } from "./elements.ts";
import { counted, timeOfDay } from "./format.ts";
import { callsOf, lastMinutes, MINUTE_MS, MINUTES_KEPT, type Minute, sumOf } from "./recorder.ts";

const BAR = 10;
const GAP = 2;
const WIDTH = MINUTES_KEPT * BAR;
const HEIGHT = 64;
/** Keeps one error among thousands of tokens visible. */
const LEAST = 2;
/** Room above the top line: LEAST can raise two of a bar's three parts. */
const ROOM = 2 * LEAST;

const SERIES = ["token", "refused", "error"] as const;

/** @param now milliseconds since the epoch; the last bar is this minute */
export function chart(name: string, minutes: readonly Minute[], now: number): Html {
  const shown = lastMinutes(minutes, MINUTES_KEPT, now);
  if (shown.length === 0) return html`<p class="chart-empty">No calls in the last ${MINUTES_KEPT} minutes</p>`;
  const busiest = shown.reduce((most, minute) => (callsOf(minute) > callsOf(most) ? minute : most));
  const most = counted(callsOf(busiest), "call");
  const first = Math.floor(now / MINUTE_MS) - MINUTES_KEPT + 1;
  const label = `Calls to ${name} in the last ${MINUTES_KEPT} minutes: ${inWords(sumOf(shown))}.
The busiest minute was ${timeOf(busiest.minute)} UTC with ${most}.`;
  return html`<figure class="chart">
<svg viewBox="0 ${-ROOM} ${WIDTH} ${HEIGHT + ROOM}" preserveAspectRatio="none" role="img" aria-label="${label}">
<path class="grid" d="M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}"/>
${shown.map((minute) => bar(minute, (minute.minute - first) * BAR + GAP / 2, HEIGHT / callsOf(busiest)))}
<path class="axis" d="M0 ${HEIGHT - 0.5}H${WIDTH}"/>
</svg>
<figcaption><span>${timeOf(first)}</span><span>top line: ${most} a minute</span><span>now</span></figcaption>
</figure>`;
}

function bar(minute: Minute, x: number, scale: number): Html {
  let y = HEIGHT;
  const parts = SERIES.filter((series) => minute[series] > 0).map((series) => {
    const height = Math.max(LEAST, minute[series] * scale);
    y -= height;
    return html`<rect class="${series}" x="${x}" y="${y.toFixed(2)}" width="${BAR - GAP}" height="${height.toFixed(2)}"/>`;
  });
  return html`<g><title>${timeOf(minute.minute)} UTC: ${inWords(minute)}</title>${parts}</g>\n`;
}

/** "14:03", in UTC. */
function timeOf(minute: number): string {
  return timeOfDay(minute * MINUTE_MS).slice(0, 5);
}

function inWords({ token, refused, error }: Minute): string {
  return `${counted(token, "token")}, ${refused} refused, ${counted(error, "error")}`;
}
