// The chart of a provider's last half hour: a bar for each minute, of tokens, refusals and errors, as inline SVG with its text.

import { type Html, html } from "./page-html.ts";
import { counted, minuteTime } from "./page-words.ts";
import { MINUTE_MS, MINUTES_KEPT, type Minute, sum } from "./window.ts";

const BAR = 10;
const GAP = 2;
const WIDTH = MINUTES_KEPT * BAR;
const HEIGHT = 64;
/** One error among thousands of tokens is still to be seen. */
const LEAST = 2;

const SERIES = ["tokens", "refused", "errors"] as const;
type Series = (typeof SERIES)[number];

/**
 * @param name of the provider
 * @param minutes those with calls; others count as empty
 * @param now milliseconds since the epoch: its minute is the last bar
 */
export function chart(name: string, minutes: readonly Minute[], now: number): Html {
  const last = Math.floor(now / MINUTE_MS);
  const shown = minutes.filter(({ minute }) => minute > last - MINUTES_KEPT && minute <= last);
  const busiest = shown.reduce((most, one) => (callsOf(one) > callsOf(most) ? one : most), sum([]));
  if (callsOf(busiest) === 0) return html`<p class="chart-empty">No call in the last ${MINUTES_KEPT} minutes</p>`;
  const bars = shown.filter((one) => callsOf(one) > 0).map((one) => bar(one, last, callsOf(busiest)));
  return html`<figure class="chart">
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${inWords(name, shown, busiest)}">
<path class="grid" d="M0 0.5H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}"/>
${bars}<path class="axis" d="M0 ${HEIGHT - 0.5}H${WIDTH}"/>
</svg>
<figcaption><span>${minuteTime((last - MINUTES_KEPT + 1) * MINUTE_MS)}</span><span>top line: ${counted(callsOf(busiest), "call")} a minute</span><span>now</span></figcaption>
</figure>
`;
}

function callsOf({ tokens, refused, errors }: Minute): number {
  return tokens + refused + errors;
}

function bar(one: Minute, last: number, most: number): Html {
  const x = (MINUTES_KEPT - 1 - (last - one.minute)) * BAR + GAP / 2;
  let top = HEIGHT;
  const heights = heightsOf(one, most);
  const parts = SERIES.filter((series) => one[series] > 0).map((series) => {
    const height = heights[series];
    top -= height;
    return html`<rect class="${series}" x="${x}" y="${round(top)}" width="${BAR - GAP}" height="${round(height)}"/>`;
  });
  return html`<g><title>${minuteTime(one.minute * MINUTE_MS)} UTC: ${minuteInWords(one)}</title>${parts}</g>
`;
}

/** What the smallest ones are given beyond their share is taken from the largest, so that no bar grows out of the picture. */
function heightsOf(one: Minute, most: number): Record<Series, number> {
  const height = (series: Series) => (one[series] === 0 ? 0 : Math.max(LEAST, (one[series] / most) * HEIGHT));
  const heights = { tokens: height("tokens"), refused: height("refused"), errors: height("errors") };
  const largest = SERIES.reduce((most, series) => (heights[series] > heights[most] ? series : most));
  const excess = heights.tokens + heights.refused + heights.errors - HEIGHT;
  if (excess > 0) heights[largest] -= excess;
  return heights;
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}

function minuteInWords(one: Minute): string {
  return [
    [one.tokens, counted(one.tokens, "token")] as const,
    [one.refused, `${one.refused} refused`] as const,
    [one.errors, counted(one.errors, "error")] as const,
  ]
    .flatMap(([number, words]) => (number === 0 ? [] : words))
    .join(", ");
}

/** For whoever does not see the picture. */
function inWords(name: string, shown: readonly Minute[], busiest: Minute): string {
  const { tokens, refused, errors } = sum(shown);
  const total = `${counted(tokens, "token")}, ${refused} refused, ${counted(errors, "error")}`;
  const most = `${minuteTime(busiest.minute * MINUTE_MS)} UTC with ${counted(callsOf(busiest), "call")}`;
  return `Calls to ${name} in the last ${MINUTES_KEPT} minutes: ${total}. The busiest minute was ${most}.`;
}
