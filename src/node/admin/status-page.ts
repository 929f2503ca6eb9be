// The status page: one HTML document that refreshes itself. Its only script copies text.

import { createHash } from "node:crypto";
import { html, raw } from "hono/html";
import { ago, COPY_SCRIPT, copyable, type Html, none, outcome, panel, pill, table, timeOfDay } from "./elements.ts";
import { count, DAY_MS, duration } from "./format.ts";
import { certificateState, healthOf, notesOn, providerState } from "./health.ts";
import { MAX_RECENT, MINUTE_MS, type Outcome, RECENT_CALLS, RECENT_MINUTES } from "./recorder.ts";
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

export function statusPage(snapshot: Snapshot, mode: PageMode, isDev: boolean): Html {
  const { version, node, at, started_at, in_flight, egress_proxy = "none" } = snapshot;
  const { level, text } = healthOf(snapshot);
  const links = {
    refreshing: html`<a href="./?paused">Stop refreshing</a>`,
    paused: html`<a href="./">Resume refreshing</a>`,
  };
  const facts = {
    Version: version,
    Node: node,
    "Up for": duration(at - started_at),
    "Calls in flight": count(in_flight),
    "Egress proxy": egress_proxy,
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
<p>As of ${timeOfDay(at)} UTC ${typeof mode === "string" && links[mode]}</p>
</div>
<h1 class="${level}">${text}</h1>
<dl class="facts">
${Object.entries(facts).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}
</dl>
</header>
<main>
${typeof mode === "object" && mode.form}
${sections(snapshot)}
</main>
<script>${raw(COPY_SCRIPT)}</script>
</body>
</html>
`;
}

function sections({ providers, nextauth, keys, certificates, reload, calls, at, ...since }: Snapshot): Html[] {
  const recent = `Whole calls in the last ${RECENT_MINUTES} minutes, at most the last ${MAX_RECENT}`;
  const rows = providers.map((provider) => providerRow(provider, at, since.started_at));
  const newest = `Newest first, at most ${RECENT_CALLS}. Times are in UTC. The log says more about each request id.`;
  const servers = nextauth.map(({ key, last }) => ({ Server: key, "Last request": lastOutcome(last, at) }));
  const age = (day: number) => (day > at ? "in the future" : at - day < DAY_MS ? "today" : ago(day, at));
  const signing = keys.map(({ kid, alg, use, created }) => ({
    kid,
    Algorithm: alg,
    Use: use === "sign" ? "signs" : "published only",
    Created: created === undefined ? none() : html`${created}, ${age(Date.parse(created))}`,
  }));
  const sorted = certificates.toSorted((a, b) => a.expires_at - b.expires_at);
  const ends = sorted.map(({ place, expires_at }) => {
    const { level, text } = certificateState(expires_at, at);
    return { "Key in the file": place, State: pill(level, text) };
  });
  const fault =
    reload?.problem !== undefined &&
    html`<p>${pill("warning", "Reload failed")} ${ago(reload.at, at)}:</p>
${copyable(html`<pre tabindex="0">\n${reload.problem}</pre>`, "the faults")}`;
  const loaded = html`<p>The configuration in use was loaded ${ago(since.configured_at, at)}.</p>${fault}`;
  return [
    table("Providers", recent, rows),
    table("nextAuth Servers", "Outcome of the last request to each", servers),
    table("Signing keys", "In the order of the configuration file", signing),
    table("Certificates", "Certificates of this proxy, the first to expire on top", ends),
    panel("Configuration", loaded),
    table("Last calls", newest, calls.map(callRow)),
  ];
}

function providerRow(provider: ProviderSnapshot, now: number, startedAt: number) {
  const { name, paths, discoveredAt, queued, inFlight, recent, last } = provider;
  const { level, text } = providerState(provider);
  const [first] = recent;
  const since =
    first !== undefined && recent.length === MAX_RECENT
      ? now - first.at
      : Math.min(RECENT_MINUTES * MINUTE_MS, now - startedAt);
  const errors = recent.filter((call) => !/^(?:token|refused)$/.test(call.outcome)).length;
  const durations = recent.map((call) => call.duration).sort((a, b) => a - b);
  const within = (share: number) => {
    const ms = durations[Math.ceil(share * durations.length) - 1];
    return ms === undefined ? none() : `${count(ms)} ms`;
  };
  return {
    Provider: name,
    State: html`${pill(level, text)}${notesOn(provider, now).map((note) => html`<p>${note}</p>`)}`,
    "Calls a minute": count((recent.length * MINUTE_MS) / Math.max(1, since)),
    Errors: recent.length === 0 ? none() : `${count((errors / recent.length) * 100)} %`,
    Median: within(0.5),
    "99 % within": within(0.99),
    "In flight": `${count(inFlight)}${queued > 0 ? `, ${count(queued)} waiting` : ""}`,
    "Last call": lastOutcome(last, now),
    Metadata: discoveredAt === undefined ? none() : ago(discoveredAt, now),
    "Paths that name it": paths.join(", ") || none(),
  };
}

function lastOutcome(last: Outcome | undefined, now: number): Html {
  return last === undefined ? none("no call yet") : html`${outcome(last.outcome)} ${ago(last.at, now)}`;
}

function callRow({ at, report }: Snapshot["calls"][number]) {
  return {
    Time: timeOfDay(at),
    Outcome: html`${outcome(report.error_code ?? report.outcome)}${report.delivered === false && ", not delivered"}`,
    Status: String(report.status),
    Call: `${report.method ?? "–"} ${report.route || "(unknown path)"}`,
    Caller: report.caller ?? none(),
    Provider: report.provider ?? none(),
    Took: `${count(report.duration_ms)} ms`,
    "Request id": copyable(html`<code>${report.request_id}</code>`, "the request id"),
  };
}
