// The status page: one HTML document that refreshes itself and has no script.

import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { chart } from "./chart.ts";
import { ago, fact, type Html, icon, none, outcome, panel, pill, tabIcon, table, time } from "./elements.ts";
import { count, counted, DAY_MS, duration, percent, short, shortTime, timeOfDay } from "./format.ts";
import { type Concern, certificateState, healthOf, providerState, RECENT_MINUTES, skewText } from "./health.ts";
import { callsOf, type LastOutcome, lastMinutes, MINUTE_MS, RECENT_CALLS, sumOf } from "./recorder.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";
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

/**
 * @param paused turns the refresh off (WCAG 2.2.2)
 * @param tryIt undefined outside dev mode
 * @returns the whole document, to be sent with STATUS_PAGE_HEADERS
 */
export function statusPage(snapshot: Snapshot, paused = false, tryIt?: TryItView): Html {
  const { level, text, concerns } = healthOf(snapshot);
  // A refresh would lose the answer or the fault.
  const stays = paused || tryIt?.answer !== undefined || tryIt?.fault !== undefined;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${text} · nextauth-token-proxy</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
${!stays && html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<link rel="icon" href="${tabIcon(level)}">
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<div class="bar">
<p class="product">nextauth-token-proxy</p>
<p class="refresh">As of ${time(snapshot.at, timeOfDay(snapshot.at))} UTC
${stays ? html`<a href="./">Resume refreshing</a>` : html`<a href="./?paused">Stop refreshing</a>`}</p>
</div>
<h1 class="${level}">${icon(level)}${text}</h1>
${concerns.length > 0 && html`<ul class="concerns" aria-label="What needs attention">${concerns.map(concernItem)}</ul>`}
<dl class="facts">
${fact("Version", snapshot.version)}
${fact("Node", snapshot.node)}
${fact("Up for", time(snapshot.started_at, duration(snapshot.at - snapshot.started_at)))}
${fact("Calls in flight", count(snapshot.in_flight))}
${snapshot.egress_proxy && fact("Egress proxy", snapshot.egress_proxy)}
</dl>
</header>
<main>
${tryIt && tryItSection(tryIt, stays)}
${providersSection(snapshot)}
<div class="cards">
${nextAuthSection(snapshot)}
${keysSection(snapshot)}
${certificatesSection(snapshot)}
${panel("reload", "Configuration", lastReload(snapshot))}
</div>
${callsSection(snapshot)}
</main>
</body>
</html>
`;
}

function concernItem({ level, text, cure, where }: Concern): Html {
  const kind = pill(level, level === "bad" ? "Fault" : "Warning");
  return html`<li>${kind} <p><a href="#${where}">${text}</a>. ${cure}</p></li>\n`;
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
Times are rounded up by at most 7 %. Charts cover the last half hour, in UTC.</p>
</section>`;
}

/** Minutes that rates cover: fewer for a new process, but at least one, or they would be absurd. */
function minutesSeen(startedAt: number, now: number): number {
  const past = RECENT_MINUTES - 1 + (now % MINUTE_MS) / MINUTE_MS;
  return Math.max(1, Math.min(past, (now - startedAt) / MINUTE_MS));
}

function providerCard(provider: ProviderSnapshot, id: string, minutes: number, now: number): Html {
  const { name, paths, problem, discovered_at, suspensions, queued } = provider;
  const { level, text } = providerState(provider);
  const recent = sumOf(lastMinutes(provider.minutes, RECENT_MINUTES, now));
  const calls = callsOf(recent);
  const within = (share: number) => (calls === 0 ? none() : shortTime(recent.durations.percentile(share) / 1_000));
  const skew = skewText(provider);
  const expires = provider.assertion?.expires_at;
  return html`<article class="panel card" id="${id}" aria-labelledby="${id}-heading">
<div class="bar"><h3 id="${id}-heading">${name}</h3>${pill(level, text)}</div>
${problem && html`<p class="problem">${problem}</p>`}
<div class="inside">
${chart(name, provider.minutes, now)}
<dl class="figures">
${fact("calls a minute", short(calls / minutes))}
${fact("errors", calls === 0 ? none() : percent(recent.error, calls))}
${fact("in flight", count(provider.in_flight))}
${fact("median", within(50))}
${fact("95 % within", within(95))}
${fact("99 % within", within(99))}
</dl>
<dl class="details">
${fact("Last call", lastOutcome(provider.last, now))}
${paths.length > 0 && fact("Named by", paths.join(", "))}
${queued > 0 && fact("Waiting", counted(queued, "call"))}
${fact("Metadata", discovered_at === undefined ? none("not discovered") : html`discovered ${ago(discovered_at, now)}`)}
${skew && fact("Clock", skew)}
${expires !== undefined && fact("Client assertion", certificateState(expires, now).text)}
${suspensions > 0 && fact("Suspended", `${counted(suspensions, "time")} so far`)}
</dl>
</div>
</article>
`;
}

function lastOutcome(last: LastOutcome | undefined, now: number): Html {
  if (last === undefined) return none("no call yet");
  return html`${outcome(last.outcome)} <span class="age">${ago(last.at, now)}</span>`;
}

function nextAuthSection({ nextauth, at }: Snapshot): Html {
  const rows = nextauth.map(({ key, last }) => ({ Server: key, "Last request": lastOutcome(last, at) }));
  return table("nextauth", "nextAuth Servers", "Outcome of the last request to each", rows, "None configured.");
}

function keysSection({ keys, at }: Snapshot): Html {
  const rows = keys.map(({ kid, alg, use, created }) => ({
    kid,
    Algorithm: alg,
    Use: use === "sign" ? "signs" : "published only",
    Created: created === undefined ? none("not given") : withAge(created, at),
  }));
  const empty = "None configured: this proxy signs nothing.";
  return table("keys", "Signing keys", "In the order of the configuration file", rows, empty);
}

function withAge(date: string, now: number): Html {
  const days = Math.floor((now - Date.parse(date)) / DAY_MS);
  return html`${date}${days > 0 && `, ${counted(days, "day")} ago`}`;
}

function certificatesSection({ certificates, at }: Snapshot): Html {
  const sorted = certificates.toSorted((a, b) => a.expires_at - b.expires_at);
  const rows = sorted.map(({ place, expires_at }) => {
    const { level, text } = certificateState(expires_at, at);
    const date = new Date(expires_at).toISOString().slice(0, 10);
    return { "Key in the file": place, State: pill(level, text), Expires: time(expires_at, date) };
  });
  const caption = "Certificates of this proxy, the first to expire on top";
  return table("certificates", "Certificates", caption, rows, "None configured.");
}

function lastReload({ reload, configured_at, at }: Snapshot): Html {
  if (reload === undefined) return html`<p>Loaded at the start, ${ago(configured_at, at)}. Not reloaded since.</p>`;
  if (reload.problem === undefined) return html`<p>${pill("good", "Reloaded")} ${ago(reload.at, at)}.</p>`;
  return html`<p>${pill("warning", "Reload failed")} ${ago(reload.at, at)}.
The configuration loaded ${ago(configured_at, at)} is still in use.</p>
<pre class="problem" tabindex="0">\n${reload.problem}</pre>`;
}

function callsSection({ calls }: Snapshot): Html {
  const rows = calls.map(({ at, report }) => ({
    Time: time(at, timeOfDay(at)),
    Route: report.route === "" ? none("unknown path") : report.route,
    Caller: report.caller ?? none(),
    Provider: report.provider ?? none(),
    Outcome: html`${outcome(report.errorCode ?? report.outcome)}${report.delivered === false && ", not delivered"}`,
    Status: String(report.status),
    Took: `${count(report.duration, 1)} ms`,
    "Request id": html`<code>${report.requestId}</code>`,
  }));
  const caption = `Newest first, at most ${RECENT_CALLS}. Times are in UTC. The log says more about each request id.`;
  return table("calls", "Last calls", caption, rows, "No calls yet.");
}
