// The plot for the docs: CPU per call relative to the floor, one bar per variant, as SVG.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Result } from "./result.ts";
import { median, ratios } from "./statistics.ts";

const WIDTH = 760;
const LABEL_WIDTH = 270;
const VALUE_WIDTH = 60;
const ROW = 30;
const BAR = 18;
const TOP = 52;
const BOTTOM = 44;

/** Light and dark: in an image on GitHub, the media query follows the reader's setting. */
const STYLE = `text { font: 14px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 16px; }
.note { font-size: 12px; fill: #59636e; }
.ours { font-weight: 600; }
rect { fill: #8c959f; }
rect.ours { fill: #0969da; }
line { stroke: #59636e; stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .note { fill: #9198a1; }
  rect { fill: #656c76; }
  rect.ours { fill: #4493f8; }
  line { stroke: #9198a1; }
}`;

/** @throws when the result has no comparison with the floor */
export function writePlot(result: Result, file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, plot(result));
}

function plot(result: Result): string {
  const bars = readBars(result);
  const largest = Math.max(...bars.map(({ value }) => value));
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / largest;
  const height = TOP + bars.length * ROW + BOTTOM;
  const rows = bars.map(({ label, value, isOurs }, index) => {
    const y = TOP + index * ROW;
    const middle = y + ROW / 2 + 5;
    const ours = isOurs ? ' class="ours"' : "";
    const width = value * scale;
    return `<text${ours} x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${escapeText(label)}</text>
<rect${ours} x="${LABEL_WIDTH}" y="${y + (ROW - BAR) / 2}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>
<text${ours} x="${(LABEL_WIDTH + width + 8).toFixed(1)}" y="${middle}">${value.toFixed(1)}</text>`;
  });
  const floorX = (LABEL_WIDTH + scale).toFixed(1);
  const { machine, rounds, seconds, connections, version, date } = result;
  const title = "CPU time per getToken call, bare node:http + undici = 1 (less is better)";
  const note = `${version}, ${date.slice(0, 10)}, ${machine.cpu}, Node ${machine.node}, ${connections} connections, ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${seconds} s`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeText(title)}">
<style>${STYLE}</style>
<text class="title" x="12" y="26">${escapeText(title)}</text>
${rows.join("\n")}
<line x1="${floorX}" x2="${floorX}" y1="${TOP - 4}" y2="${TOP + bars.length * ROW + 4}"/>
<text class="note" x="12" y="${height - 14}">${escapeText(note)}</text>
</svg>
`;
}

interface Bar {
  label: string;
  value: number;
  isOurs: boolean;
}

/** Cheapest first, without the commit of `--before`, which does not interest users. */
function readBars({ comparison }: Result): Bar[] {
  const variants = comparison?.variants ?? {};
  const floor = variants.floor?.samples.map((sample) => sample.cpuPerThousand);
  if (floor === undefined) throw new Error("this result has no comparison with the floor: run with --compare first");
  return Object.entries(variants)
    .filter(([name]) => !name.startsWith("before"))
    .map(([name, { label, samples }]) => ({
      label,
      value: median(
        ratios(
          samples.map((sample) => sample.cpuPerThousand),
          floor,
        ),
      ),
      isOurs: name.startsWith("proxy") || name === "worker",
    }))
    .sort((a, b) => a.value - b.value);
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
