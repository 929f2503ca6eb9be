// The status page: one HTML document that refreshes itself. Its only script copies text.

import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { ago, COPY_SCRIPT, copyable, fact, type Html, none, outcome, panel, pill, table, time } from "./elements.ts";
import { count, counted, DAY_MS, duration, percent, timeOfDay } from "./format.ts";
import { type Concern, certificateState, healthOf, providerState } from "./health.ts";
import { callsOf, type LastOutcome, MINUTE_MS, RECENT_CALLS, RECENT_MINUTES } from "./recorder.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";
import { STYLE } from "./style.ts";

const REFRESH_SECONDS = 5;

const hashOf = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** The page loads and frames nothing, and runs nothing but its own script. */
export const STATUS_PAGE_HEADERS: Readonly<Record<string, string>> = {
  "Content-Security-Policy": `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(COPY_SCRIPT)}; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** `refreshing`, `paused` (WCAG 2.2.2), or with a form, which a refresh would empty. */
export type PageMode = "refreshing" | "paused" | { form: Html };

/** @returns the whole document, to be sent with STATUS_PAGE_HEADERS */
export function statusPage(snapshot: Snapshot, mode: PageMode, isDev: boolean): Html {
  const { level, text, concerns } = healthOf(snapshot);
  const links = {
    refreshing: html`<a href="./?paused">Stop refreshing</a>`,
    paused: html`<a href="./">Resume refreshing</a>`,
  };
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${isDev && "DEV · "}${text} · nextauth-token-proxy</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
${mode === "refreshing" && html`<meta http-equiv="refresh" content="${REFRESH_SECONDS}">`}
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
</head>
<body>
<header>
<div class="bar">
<p>nextauth-token-proxy ${isDev && pill("warning", "DEV")}</p>
<p>As of ${time(snapshot.at, timeOfDay(snapshot.at))} UTC ${typeof mode === "string" && links[mode]}</p>
</div>
<h1 class="${level}">${text}</h1>
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
${typeof mode === "object" && mode.form}
${providersSection(snapshot)}
${nextAuthSection(snapshot)}
${keysSection(snapshot)}
${certificatesSection(snapshot)}
${panel("reload", "Configuration", lastReload(snapshot))}
${callsSection(snapshot)}
</main>
<script>${raw(COPY_SCRIPT)}</script>
</body>
</html>
`;
}

function concernItem({ level, text, cure, where }: Concern): Html {
  return html`<li>${pill(level, level === "bad" ? "Fault" : "Warning")} <a href="#${where}">${text}</a>. ${cure}</li>\n`;
}

function providersSection({ providers, started_at, at }: Snapshot): Html {
  // Fewer for a new process, but at least one, or rates would be absurd.
  const past = RECENT_MINUTES - 1 + (at % MINUTE_MS) / MINUTE_MS;
  const minutes = Math.max(1, Math.min(past, (at - started_at) / MINUTE_MS));
  const isNamed = providers.some(({ paths }) => paths.length > 0);
  const rows = providers.map((provider) => providerRow(provider, minutes, at, isNamed));
  const caption = `Whole calls in the last ${RECENT_MINUTES} minutes`;
  return table("providers", "Providers", caption, rows, "None configured.");
}

function providerRow(provider: ProviderSnapshot, minutes: number, now: number, isNamed: boolean) {
  const { name, paths, discoveredAt, queued, suspensions, inFlight, recent, last } = provider;
  const { level, text } = providerState(provider);
  const ends = provider.assertion?.expires_at;
  const assertion = ends !== undefined && ` client assertion ${certificateState(ends, now).text}`;
  const calls = callsOf(recent);
  const within = (share: number) => (calls === 0 ? none() : `${count(recent.durations.percentile(share) / 1_000)} ms`);
  return {
    Provider: name,
    State: html`${pill(level, text)}${suspensions > 0 && ` suspended ${counted(suspensions, "time")} so far`}${assertion}`,
    "Calls a minute": count(calls / minutes),
    Errors: calls === 0 ? none() : percent(recent.error, calls),
    Median: within(50),
    "99 % within": within(99),
    "In flight": `${count(inFlight)}${queued > 0 ? `, ${count(queued)} waiting` : ""}`,
    "Last call": lastOutcome(last, now),
    Metadata: discoveredAt === undefined ? none("not discovered") : html`discovered ${ago(discoveredAt, now)}`,
    ...(isNamed && { "Paths that name it": paths.join(", ") || none("none") }),
  };
}

function lastOutcome(last: LastOutcome | undefined, now: number): Html {
  return last === undefined ? none("no call yet") : html`${outcome(last.outcome)} ${ago(last.at, now)}`;
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
${copyable(html`<pre tabindex="0">\n${reload.problem}</pre>`, "the faults")}`;
}

function callsSection({ calls }: Snapshot): Html {
  const rows = calls.map(({ at, report }) => ({
    Time: time(at, timeOfDay(at)),
    Outcome: html`${outcome(report.errorCode ?? report.outcome)}${report.delivered === false && ", not delivered"}`,
    Status: String(report.status),
    Call: `${report.method ?? "–"} ${report.route || "(unknown path)"}`,
    Caller: report.caller ?? none(),
    Provider: report.provider ?? none(),
    Took: `${count(report.duration)} ms`,
    "Request id": copyable(html`<code>${report.requestId}</code>`, "the request id"),
  }));
  const caption = `Newest first, at most ${RECENT_CALLS}. Times are in UTC. The log says more about each request id.`;
  return table("calls", "Last calls", caption, rows, "No calls yet.");
}
