// The status page: one HTML document that refreshes itself and has no script.

import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { chart } from "./chart.ts";
import { ago, fact, type Html, icon, lastOutcome, none, outcome, pill, SHAPES, table, time } from "./elements.ts";
import { count, counted, DAY_MS, duration, percent, short, shortTime } from "./format.ts";
import {
  type Concern,
  certificateState,
  concernsOf,
  healthOf,
  type Level,
  providerState,
  RECENT_MINUTES,
  recentOf,
  skewText,
} from "./health.ts";
import { callsOf, MINUTE_MS, percentile, RECENT_CALLS, type RecentCall } from "./recorder.ts";
import type { KeySnapshot, ProviderSnapshot, Snapshot } from "./snapshot.ts";
import { STYLE } from "./style.ts";
import { type TryItView, tryItSection } from "./try-it.ts";

const REFRESH_SECONDS = 5;

const STYLE_HASH = createHash("sha256").update(STYLE).digest("base64");

/** The page loads, runs and frames nothing. Its one image, the tab icon, is a data URL. */
export const STATUS_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

export interface StatusPageOptions {
  /** Turns the refresh off (WCAG 2.2.2). */
  paused?: boolean;
  /** What "Try it" shows; undefined outside dev mode. */
  tryIt?: TryItView | undefined;
}

/** @returns the whole document, to be sent with STATUS_PAGE_HEADERS */
export function statusPage(snapshot: Snapshot, { paused = false, tryIt }: StatusPageOptions = {}): Html {
  const concerns = concernsOf(snapshot);
  const health = healthOf(snapshot, concerns);
  // A refresh would lose the answer or the fault.
  const stays = paused || tryIt?.answer !== undefined || tryIt?.fault !== undefined;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${health.text} · nextauth-token-proxy</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${!stays && html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<link rel="icon" href="${tabIcon(health.level)}">
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<div class="bar">
<p class="product">nextauth-token-proxy</p>
<p class="refresh">As of ${time(snapshot.at, new Date(snapshot.at).toISOString().slice(11, 19))} UTC
${stays ? html`<a href="./">Resume refreshing</a>` : html`<a href="./?paused">Stop refreshing</a>`}</p>
</div>
<h1 class="${health.level}">${icon(health.level)}${health.text}</h1>
${concernList(concerns)}
<dl class="facts">
${fact("Version", snapshot.version)}
${fact("Node", snapshot.node)}
${fact("Up for", time(snapshot.started_at, duration(snapshot.at - snapshot.started_at)))}
${fact("Calls in flight", count(snapshot.in_flight))}
</dl>
</header>
<main>
${tryIt && tryItSection(tryIt, stays)}
${providersSection(snapshot)}
<div class="cards">
${nextAuthSection(snapshot)}
${keysSection(snapshot)}
${certificatesSection(snapshot)}
${reloadSection(snapshot)}
</div>
${callsSection(snapshot)}
</main>
</body>
</html>
`;
}

const TAB_COLOURS: Readonly<Record<Level, string>> = { good: "#1b6b43", warning: "#855500", bad: "#b0261f" };

/** Shows the state in a background tab. */
function tabIcon(level: Level): string {
  const circle = `<circle cx="8" cy="8" r="8" fill="${TAB_COLOURS[level]}"/>`;
  const shape = `<path fill="none" stroke="#fff" stroke-width="2" d="${SHAPES[level]}"/>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">${circle}${shape}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function concernList(concerns: readonly Concern[]): Html | undefined {
  if (concerns.length === 0) return undefined;
  return html`<ul class="concerns" aria-label="What needs attention">
${concerns.map(
  ({ level, text, cure, where }) =>
    html`<li>${pill(level, level === "bad" ? "Fault" : "Warning")} <p><a href="#${where}">${text}</a>. ${cure}</p></li>\n`,
)}
</ul>`;
}

function providersSection({ providers, started_at, at }: Snapshot): Html {
  return html`<section id="providers" aria-labelledby="providers-heading">
<div class="bar">
<h2 id="providers-heading">Providers</h2>
<ul class="legend" aria-label="Chart colours">
<li class="token">tokens</li><li class="refused">refused</li><li class="error">errors</li>
</ul>
</div>
<div class="cards">
${providers.map((provider, index) => providerCard(provider, `provider-${index}`, minutesSeen(started_at, at), at))}
</div>
<p class="note">Rates and times cover whole calls, as the caller sees them, in the last ${RECENT_MINUTES} minutes.
Times are rounded up by at most 20 %. Charts cover the last half hour, in UTC.</p>
</section>`;
}

/** Minutes that rates cover: fewer for a new process, but at least one, or they would be absurd. */
function minutesSeen(startedAt: number, now: number): number {
  const past = RECENT_MINUTES - 1 + (now % MINUTE_MS) / MINUTE_MS;
  return Math.max(1, Math.min(past, (now - startedAt) / MINUTE_MS));
}

function providerCard(provider: ProviderSnapshot, id: string, minutes: number, now: number): Html {
  const { name, problem, discovered_at, suspensions, queued } = provider;
  const { level, text } = providerState(provider);
  const recent = recentOf(provider, now);
  const calls = callsOf(recent);
  const within = (share: number) => {
    const ms = percentile(recent, share);
    return ms === undefined ? none() : shortTime(ms);
  };
  const skew = skewText(provider);
  return html`<article class="panel card" id="${id}" aria-labelledby="${id}-heading">
<div class="bar"><h3 id="${id}-heading">${name}</h3>${pill(level, text)}</div>
${problem && html`<p class="problem">${problem}</p>`}
<div class="inside">
${chart(name, provider.minutes, now)}
<dl class="figures">
${fact("calls a minute", short(calls / minutes))}
${fact("errors", calls === 0 ? none() : percent(recent.error, calls))}
${fact("in flight", count(provider.in_flight))}
${fact("median", within(0.5))}
${fact("95 % within", within(0.95))}
${fact("99 % within", within(0.99))}
</dl>
<dl class="details">
${fact("Last call", lastOutcome(provider.last, now))}
${queued > 0 && fact("Waiting", counted(queued, "call"))}
${fact("Metadata", discovered_at === undefined ? none("not discovered") : html`discovered ${ago(discovered_at, now)}`)}
${skew && fact("Clock", skew)}
${suspensions > 0 && fact("Suspended", `${counted(suspensions, "time")} so far`)}
</dl>
</div>
</article>
`;
}

function nextAuthSection({ nextauth, at }: Snapshot): Html {
  return table({
    id: "nextauth",
    heading: "nextAuth Servers",
    caption: "Outcome of the last request to each",
    columns: ["Server", "Last request"],
    rows: nextauth.map(({ key, last }) => [key, lastOutcome(last, at)]),
    empty: "None configured.",
  });
}

function keysSection({ keys, at }: Snapshot): Html {
  return table({
    id: "keys",
    heading: "Signing keys",
    caption: "In the order of the configuration file",
    columns: ["kid", "Algorithm", "Use", "Created"],
    rows: keys.map((key) => [key.kid, key.alg, key.use === "sign" ? "signs" : "published only", createdCell(key, at)]),
    empty: "None configured: this proxy signs nothing.",
  });
}

function createdCell({ created }: KeySnapshot, now: number): Html {
  if (created === undefined) return none("not given");
  const days = Math.floor((now - Date.parse(created)) / DAY_MS);
  return html`${created}${days > 0 && `, ${counted(days, "day")} ago`}`;
}

function certificatesSection({ certificates, at }: Snapshot): Html {
  return table({
    id: "certificates",
    heading: "Certificates",
    caption: "Certificates of this proxy, the first to expire on top",
    columns: ["Key in the file", "State", "Expires"],
    rows: certificates
      .toSorted((a, b) => a.expires_at - b.expires_at)
      .map((certificate) => {
        const { level, text } = certificateState(certificate, at);
        const date = new Date(certificate.expires_at).toISOString().slice(0, 10);
        return [certificate.place, pill(level, text), time(certificate.expires_at, date)];
      }),
    empty: "None configured.",
  });
}

function reloadSection({ reload, configured_at, at }: Snapshot): Html {
  return html`<section class="panel" id="reload" aria-labelledby="reload-heading">
<h2 id="reload-heading">Configuration</h2>
${
  reload === undefined
    ? html`<p>Loaded at the start, ${ago(configured_at, at)}. Not reloaded since.</p>`
    : reload.problem === undefined
      ? html`<p>${pill("good", "Reloaded")} ${ago(reload.at, at)}.</p>`
      : html`<p>${pill("warning", "Reload failed")} ${ago(reload.at, at)}.
The configuration loaded ${ago(configured_at, at)} is still in use.</p>
<pre class="problem" tabindex="0">\n${reload.problem}</pre>`
}
</section>
`;
}

function callsSection({ calls }: Snapshot): Html {
  return table({
    id: "calls",
    heading: "Last calls",
    caption: `Newest first, at most ${RECENT_CALLS}. Times are in UTC. The log says more about each request id.`,
    columns: ["Time", "Route", "Caller", "Provider", "Outcome", "Status", "Took", "Request id"],
    rows: calls.map(callRow),
    empty: "No calls yet.",
  });
}

function callRow({ at, report }: RecentCall): (Html | string)[] {
  return [
    time(at, new Date(at).toISOString().slice(11, 19)),
    report.route === "" ? none("unknown path") : report.route,
    report.caller ?? none(),
    report.provider ?? none(),
    outcome(report.errorCode ?? report.outcome),
    String(report.status),
    `${count(report.duration, 1)} ms`,
    html`<code>${report.requestId}</code>`,
  ];
}
