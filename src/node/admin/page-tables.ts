// The parts of the status page that are tables: nextAuth Servers, keys, certificates, the last calls; and the last reload.

import { certificateState } from "./page-health.ts";
import { type Html, html } from "./page-html.ts";
import { lastOutcome, none, outcome, pill, table } from "./page-parts.ts";
import { ago, clockTime, DAY_MS, dateOf, duration, iso, milliseconds } from "./page-words.ts";
import { type KeySnapshot, RECENT_CALLS, type RecentCall, type Snapshot } from "./snapshot.ts";

export function nextAuthPart({ nextauth }: Snapshot, now: number): Html {
  return table({
    id: "nextauth",
    heading: "nextAuth Servers",
    caption: "What came of the last request to each",
    columns: [{ name: "Server" }, { name: "Last request" }],
    rows: nextauth.map(({ key, last }) => [key, lastOutcome(last, now)]),
    empty: "None in the configuration.",
  });
}

export function keysPart({ keys }: Snapshot, now: number): Html {
  return table({
    id: "keys",
    heading: "Signing keys",
    caption: "By their kid, in the order of the file",
    columns: [{ name: "kid" }, { name: "Algorithm" }, { name: "Use" }, { name: "Age" }],
    rows: keys.map((key) => [key.kid, key.alg, key.use === "sign" ? "signs" : "published only", ageOf(key, now)]),
    empty: "None in the configuration: this proxy signs nothing.",
  });
}

function ageOf({ created }: KeySnapshot, now: number): Html {
  const at = dateOf(created);
  if (at === undefined) return none(created === undefined ? "not given" : created);
  const age = now - at;
  const words =
    age < 0 ? "from tomorrow or later" : age < DAY_MS ? "of today" : duration(Math.floor(age / DAY_MS) * DAY_MS);
  return html`<time datetime="${created}" title="${created}">${words}</time>`;
}

export function certificatesPart({ certificates }: Snapshot, now: number): Html {
  return table({
    id: "certificates",
    heading: "Certificates",
    caption: "How long those of this proxy are good, the first to end first",
    columns: [{ name: "Place in the file" }, { name: "State" }, { name: "Ends" }],
    rows: certificates
      .toSorted((a, b) => a.expires_at - b.expires_at)
      .map((certificate) => {
        const { level, words } = certificateState(certificate, now);
        const ends = iso(certificate.expires_at);
        return [
          certificate.place,
          pill(level, words),
          html`<time datetime="${ends}" title="${ends}">${ends.slice(0, 10)}</time>`,
        ];
      }),
    empty: "None in the configuration.",
  });
}

export function reloadPart({ reload, configured_at }: Snapshot, now: number): Html {
  const words =
    reload === undefined
      ? html`<p>As it was read at the start, ${ago(configured_at, now)}. No reload since.</p>`
      : reload.problem === undefined
        ? html`<p>${pill("good", "Reloaded")} ${ago(reload.at, now)}. It took effect.</p>`
        : html`<p>${pill("warning", "Not reloaded")} ${ago(reload.at, now)}. The configuration of ${ago(configured_at, now)} stays:</p>
<pre class="problem" tabindex="0">
${reload.problem}</pre>`;
  return html`<section class="panel" id="reload" aria-labelledby="reload-heading">
<h2 id="reload-heading">Configuration</h2>
${words}
</section>
`;
}

export function callsPart({ calls }: Snapshot): Html {
  return table({
    id: "calls",
    heading: "Last calls",
    caption: `The newest first, ${RECENT_CALLS} at most. Times are in UTC; the log says more under a request id`,
    columns: [
      { name: "Time" },
      { name: "Route" },
      { name: "Caller" },
      { name: "Provider" },
      { name: "Outcome" },
      { name: "Status", isNumber: true },
      { name: "Took", isNumber: true },
      { name: "Request id" },
    ],
    rows: calls.map(callRow),
    empty: "No call yet.",
  });
}

function callRow(call: RecentCall) {
  return [
    clockTime(call.at),
    call.route === "" ? none("unknown path") : call.route,
    call.caller ?? none("–"),
    call.provider ?? none("–"),
    outcome(call.error_code ?? call.outcome),
    String(call.status),
    milliseconds(call.duration_ms),
    html`<code>${call.request_id}</code>`,
  ];
}
