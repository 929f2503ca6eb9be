// Counts calls for Prometheus, and reports the state of the service at each scrape.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { OnReport } from "../core/call-report.ts";
import { legsIn } from "../core/trace.ts";
import type { ProviderSnapshot, Snapshot } from "./admin/snapshot.ts";

/** Prometheus keeps the suffix _total for counters, but these gauges of prom-client have it. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** Seconds: from a provider next door to the longest timeout that anybody sets. */
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds: an HMAC takes microseconds, an RSA signature on a busy machine some milliseconds. */
const SIGNING_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

/** Between samples of the event loop's delay. The default of 10 ms takes 0.9 % of a core. */
const EVENT_LOOP_SAMPLING_MS = 100;

const BREAKER_STATES = ["closed", "open", "half_open"] as const;

export function createMetrics(read: () => Snapshot) {
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  for (const name of MISNAMED) register.removeSingleMetric(name);
  return {
    onReport: countCalls(register),
    text: () => Registry.merge([register, stateOf(read())]).metrics(),
  };
}

function named(register: Registry, name: string, help: string, labelNames: string[]) {
  return { name: `token_proxy_${name}`, help, labelNames, registers: [register] };
}

/** Labels are keys of the file and codes of the error table, so callers cannot add any. */
function countCalls(register: Registry): OnReport {
  const counter = (name: string, help: string, ...labels: string[]) => new Counter(named(register, name, help, labels));
  const histogram = (step: string, buckets: number[], help: string, ...labels: string[]) =>
    new Histogram({ ...named(register, `${step}_duration_seconds`, help, labels), buckets });
  const calls = counter("calls_total", "Calls answered, by outcome.", "route", "provider", "outcome", "error_code");
  const undelivered = counter("calls_undelivered_total", "Calls whose caller left.", "route", "provider", "outcome");
  const judged = counter("provider_errors_judged_total", "Errors of the provider, by whose rule.", "provider", "by");
  const retries = counter("provider_retries_total", "Token requests beyond the first one of a call.", "provider");
  const durations = histogram("call", CALL_BUCKETS, "From a call's arrival to its response.", "route", "provider");
  const tokenRequests = histogram("provider", CALL_BUCKETS, "The token requests of a call, with answers.", "provider");
  const sessionChecks = histogram("session_check", CALL_BUCKETS, "The getSession request of one call.");
  const signatures = histogram("signing", SIGNING_BUCKETS, "Signing all JWTs of one call.", "provider");

  return (report) => {
    const { route, provider = "", outcome, error_code = "", judged_by: by, durations: steps } = report;
    calls.inc({ route, provider, outcome, error_code });
    if (report.delivered === false) undelivered.inc({ route, provider, outcome });
    durations.observe({ route, provider }, report.duration_ms / 1000);
    if (steps.session_check !== undefined) sessionChecks.observe(steps.session_check / 1000);
    for (const [leg, ms] of legsIn(steps)) tokenRequests.observe({ provider: leg }, ms / 1000);
    if (provider === "") return;
    if (by !== undefined) judged.inc({ provider, by });
    if (steps.provider !== undefined) tokenRequests.observe({ provider }, steps.provider / 1000);
    if (steps.signing !== undefined) signatures.observe({ provider }, steps.signing / 1000);
    retries.inc({ provider }, Math.max(0, report.attempts - 1));
  };
}

type Row = [value: number | undefined, labels?: Record<string, string>];

/** The state at a scrape. A name that ends in _total makes a counter. */
function stateOf({ providers, keys, certificates, ...snapshot }: Snapshot): Registry {
  const register = new Registry();
  const set = (name: string, help: string, rows: Row[]) => {
    const Kind = name.endsWith("_total") ? Counter : Gauge;
    // Without a label, prom-client reports a metric without rows as 0.
    const labelNames = rows.length === 0 ? ["absent"] : Object.keys(rows[0]?.[1] ?? {});
    const metric = new Kind(named(register, name, help, labelNames));
    for (const [value, labels = {}] of rows) if (value !== undefined) metric.inc(labels, value);
  };
  const seconds = (ms: number | undefined) => ms && ms / 1_000;
  const each = (read: (provider: ProviderSnapshot) => number | undefined) =>
    providers.map((provider): Row => [read(provider), { provider: provider.name }]);
  const of = (name: "inFlight" | "queued" | "suspensions" | "refusedUsers" | "clockSkew") => each((one) => one[name]);
  const breakers = providers.flatMap(({ name: provider, breaker }) =>
    BREAKER_STATES.map((state): Row => [state === breaker ? 1 : 0, { provider, state }]),
  );
  const created = keys.map(
    ({ kid, use, created = "" }): Row => [seconds(Date.parse(created)) || undefined, { kid, use }],
  );
  const ends = certificates.map(({ place, expires_at }): Row => [seconds(expires_at), { certificate: place }]);
  const isReloaded = snapshot.reload?.problem === undefined ? 1 : 0;
  const { version, node } = snapshot;
  set("build_info", "Always 1; the labels are versions.", [[1, { version, node }]]);
  set("calls_in_flight", "Calls without a response yet.", [[snapshot.in_flight]]);
  const found = each(({ discoveredAt }) => seconds(discoveredAt));
  const tokens = each(({ last_token }) => seconds(last_token) ?? 0);
  const moved = each(({ movedTo }) => (movedTo === undefined ? 0 : 1));
  const assertions = each(({ assertion }) => seconds(assertion?.expires_at));
  set("provider_in_flight", "Token requests in flight.", of("inFlight"));
  set("provider_queued", "Calls waiting because of the provider's max_in_flight.", of("queued"));
  set("provider_breaker_state", "1 for the current state of the circuit breaker.", breakers);
  set("provider_suspensions_total", "How often the provider was suspended.", of("suspensions"));
  set("provider_endpoint_moved", "1 if newer metadata has a token endpoint on another host, not adopted.", moved);
  set("provider_last_token_timestamp_seconds", "The provider's last token; 0 before the first one.", tokens);
  set("provider_refused_users", "Users refused since the provider's last token, counted up to 3.", of("refusedUsers"));
  set("provider_clock_skew_seconds", "How far the provider's clock is ahead of ours.", of("clockSkew"));
  set("discovery_timestamp_seconds", "Last successful discovery of the provider.", found);
  set("client_assertion_expiry_timestamp_seconds", "Expiry of the client assertion in a file.", assertions);
  set("signing_key_created_timestamp_seconds", "Date of a signing key in the file.", created);
  set("certificate_expiry_timestamp_seconds", "Expiry of a certificate, by its key in the file.", ends);
  set("config_last_reload_successful", "0 if the last reload was refused, otherwise 1.", [[isReloaded]]);
  const loaded: Row[] = [[seconds(snapshot.configured_at)]];
  set("config_last_reload_timestamp_seconds", "When the current configuration was loaded.", loaded);
  return register;
}
