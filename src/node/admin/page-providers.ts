// The part of the status page about providers: a card for each.

import { SKEW_CURE } from "../../oauth/clock-skew.ts";
import { chart } from "./chart.ts";
import { minutesSeen, providerState, RECENT_MINUTES, recentOf, skewInWords } from "./page-health.ts";
import { type Html, html } from "./page-html.ts";
import { fact, lastOutcome, none, pill } from "./page-parts.ts";
import { ago, count, counted, percent, rate, roughly } from "./page-words.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";
import { percentile } from "./window.ts";

export function providersPart({ providers, started_at }: Snapshot, now: number): Html {
  return html`<section id="providers" aria-labelledby="providers-heading">
<div class="bar">
<h2 id="providers-heading">Providers</h2>
<ul class="legend" aria-label="Colours of the charts"><li class="tokens">tokens</li><li class="refused">refused</li><li class="errors">errors</li></ul>
</div>
<div class="cards">
${providers.map((provider, index) => card(provider, index, started_at, now))}</div>
<p class="note">Rates and times are of the last ${RECENT_MINUTES} minutes, whole calls as the caller sees them; times are exact to a fifth. Charts are of the last half hour, in UTC.</p>
</section>
`;
}

function card(provider: ProviderSnapshot, index: number, startedAt: number, now: number): Html {
  const { name, problem, discovered_at, suspensions, in_flight, queued, last, minutes } = provider;
  const { level, words } = providerState(provider);
  const recent = recentOf(minutes, now);
  const calls = recent.tokens + recent.refused + recent.errors;
  const within = (share: number) => {
    const ms = percentile(recent, share);
    return ms === undefined ? none("–") : roughly(ms);
  };
  const skew = skewInWords(provider.clock_skew);
  const id = `provider-${index}`;
  return html`<article class="panel card" id="${id}" aria-labelledby="${id}-heading">
<div class="bar"><h3 id="${id}-heading">${name}</h3>${pill(level, words)}</div>
${problem === undefined ? undefined : html`<p class="problem">${problem}</p>\n`}<div class="inside">
${chart(name, minutes, now)}<dl class="figures">
${fact("calls a minute", rate(calls / minutesSeen(now, startedAt)))}${fact("errors", calls === 0 ? none("–") : percent(recent.errors, calls))}${fact("in flight", count(in_flight))}${fact("median", within(0.5))}${fact("95 % within", within(0.95))}${fact("99 % within", within(0.99))}</dl>
<dl class="details">
${fact("Last call", lastOutcome(last, now))}${queued === 0 ? undefined : fact("Waiting", counted(queued, "call"))}${fact("Metadata", discovered_at === undefined ? none("not discovered") : html`discovered ${ago(discovered_at, now)}`)}${skew === undefined ? undefined : fact("Clock", `${skew}: ${SKEW_CURE}`)}${suspensions === 0 ? undefined : fact("Suspended", `${counted(suspensions, "time")} so far`)}</dl>
</div>
</article>
`;
}
