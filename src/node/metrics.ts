// Counts calls for Prometheus, and tells the state of the service when it is asked for.

import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Observe } from "../core/call-report.ts";
import type { Snapshot } from "./admin/snapshot.ts";
import { Distribution, registerSamples, type Samples } from "./tally.ts";

export interface Metrics {
  observe: Observe;
  /** As Prometheus reads them. */
  text(): Promise<string>;
  /** As JSON that can go to another process. */
  collect(): Promise<CollectedMetrics>;
}

/** What prom-client makes of a registry; it is handed back to it only. */
export type CollectedMetrics = readonly object[];

/** How many processes serve, and should. */
export interface ProcessCounts {
  serving: number;
  wanted: number;
  /** How often one has ended that was not told to. */
  ended: number;
}

const ONE: ProcessCounts = { serving: 1, wanted: 1, ended: 0 };

/** What the process tells that speaks for others. */
export function createPrimaryMetrics(counts: () => ProcessCounts): {
  /** Of all together: counters and histograms are added, gauges as each of them says. */
  text(ofOthers: readonly CollectedMetrics[]): Promise<string>;
} {
  const own = new Registry();
  addDefaults(own);
  const above = new Registry();
  const refresh = createProcessGauges(above);
  // Of several processes prom-client tells no start: the service's is that of the first one.
  new Gauge({
    name: "process_start_time_seconds",
    help: "Start time of the process since unix epoch in seconds.",
    registers: [above],
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  return {
    async text(ofOthers) {
      refresh(counts());
      const all = [await own.getMetricsAsJSON(), ...ofOthers];
      return `${await AggregatorRegistry.aggregate(all).metrics()}${await above.metrics()}`;
    },
  };
}

/** @returns the counters and histograms of both, and no gauge: for processes that have ended */
export function addUpCounts(one: CollectedMetrics, other: CollectedMetrics): CollectedMetrics {
  const sums = new Map<string, Counts>();
  for (const metric of [...one, ...other] as Counts[]) {
    if (metric.type !== "counter" && metric.type !== "histogram") continue;
    const known = sums.get(metric.name);
    sums.set(metric.name, known === undefined ? metric : { ...metric, values: addUp(known.values, metric.values) });
  }
  return [...sums.values()];
}

interface Counts {
  name: string;
  type: string;
  values: readonly CountedValue[];
}

interface CountedValue {
  metricName?: string;
  labels: object;
  value: number;
}

function addUp(one: Counts["values"], other: Counts["values"]): CountedValue[] {
  const all = new Map<string, CountedValue>();
  for (const sample of [...one, ...other]) {
    const key = JSON.stringify([sample.metricName, Object.entries(sample.labels).sort()]);
    const { value = 0 } = all.get(key) ?? {};
    all.set(key, { ...sample, value: value + sample.value });
  }
  return [...all.values()];
}

/** Prometheus keeps `_total` for counters, and these three are none. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

function addDefaults(register: Registry): void {
  collectDefaultMetrics({ register });
  for (const name of MISNAMED) register.removeSingleMetric(name);
}

function createProcessGauges(register: Registry): (counts: ProcessCounts) => void {
  const named = (name: string, help: string) => ({ name: `token_proxy_${name}`, help, registers: [register] });
  const serving = new Gauge(named("processes", "Processes that serve."));
  const wanted = new Gauge(named("processes_wanted", "Processes that should serve, as server.processes says."));
  const ends = new Counter(named("process_ends_total", "How often a process has ended that was not told to."));
  return (counts) => {
    serving.set(counts.serving);
    wanted.set(counts.wanted);
    ends.reset();
    ends.inc(counts.ended);
  };
}

/** Seconds: from what a provider next door takes to the longest timeout that anybody sets. */
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds: an HMAC takes microseconds, an RSA signature on a busy machine some milliseconds. */
const SIGNING_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

const BREAKER_STATES = ["closed", "open", "half_open"] as const;

/**
 * @param read what the gauges tell, asked for at each scrape only
 * @param isAlone whether no other process speaks for this one
 */
export function createMetrics(read: () => Snapshot, isAlone = true): Metrics {
  const register = new Registry();
  addDefaults(register);
  if (isAlone) createProcessGauges(register)(ONE);
  const observe = countCalls(register);
  const refresh = createGauges((name, help, labelNames = []) => ({
    name: `token_proxy_${name}`,
    help,
    labelNames,
    registers: [register],
  }));

  return {
    observe,
    async text() {
      refresh(read());
      return register.metrics();
    },
    async collect() {
      refresh(read());
      return register.getMetricsAsJSON();
    },
  };
}

/** Labels are names of the file and codes of the error table alone: nobody who calls can make more of them. */
function countCalls(register: Registry): Observe {
  const outcomes = new Map<string, { labels: Record<string, string>; value: number }>();
  const calls = new Map<string, { labels: Record<string, string>; duration: Distribution }>();
  const providers = new Map<string, ReturnType<typeof createProviderTally>>();
  const sessionChecks = new Distribution(CALL_BUCKETS);

  const tell = (name: string, type: "counter" | "histogram", help: string, samples: (name: string) => Samples) =>
    registerSamples(register, { name: `token_proxy_${name}`, help, type }, samples);
  const ofProviders = (which: "duration" | "signing") => (name: string) =>
    [...providers.values()].flatMap(({ labels, [which]: measured }) => measured.samples(name, labels));

  tell("calls_total", "counter", "Calls answered, by what came of them.", () => [...outcomes.values()]);
  tell("call_duration_seconds", "histogram", "From a call's arrival to its answer.", (name) =>
    [...calls.values()].flatMap(({ labels, duration }) => duration.samples(name, labels)),
  );
  const requests = "Token requests of one call, their answers included.";
  tell("provider_duration_seconds", "histogram", requests, ofProviders("duration"));
  const checks = "getSession of one call at the nextAuth Server.";
  tell("session_check_duration_seconds", "histogram", checks, (name) => sessionChecks.samples(name, {}));
  const signatures = "JWTs and client assertions signed for one call.";
  tell("signing_duration_seconds", "histogram", signatures, ofProviders("signing"));
  tell("provider_retries_total", "counter", "Token requests beyond the first one of a call.", () =>
    [...providers.values()].map(({ labels, retries }) => ({ labels, value: retries })),
  );

  return (report) => {
    const { route, provider = "", outcome, errorCode = "", durations } = report;
    const place = `${route}\n${provider}`;
    look(outcomes, `${place}\n${outcome}\n${errorCode}`, () => ({
      labels: { route, provider, outcome, error_code: errorCode },
      value: 0,
    })).value += 1;
    look(calls, place, () => ({
      labels: { route, provider },
      duration: new Distribution(CALL_BUCKETS),
    })).duration.observe(report.duration);
    sessionChecks.observe(durations.session_check);
    if (provider === "") return;
    const tally = look(providers, provider, () => createProviderTally(provider));
    tally.duration.observe(durations.provider);
    tally.signing.observe(durations.signing);
    if (report.attempts > 1) tally.retries += report.attempts - 1;
  };
}

function createProviderTally(provider: string) {
  return {
    labels: { provider },
    duration: new Distribution(CALL_BUCKETS),
    signing: new Distribution(SIGNING_BUCKETS),
    retries: 0,
  };
}

function look<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

type Named = <Label extends string>(
  name: string,
  help: string,
  labelNames?: readonly Label[],
) => { name: string; help: string; labelNames: readonly Label[]; registers: Registry[] };

/** @returns a function that sets all gauges, and forgets what is not there any more */
function createGauges(named: Named): (snapshot: Snapshot) => void {
  // Of several processes: in flight and queued are added, of what each of them tells alike the first, of ages the worst.
  const build = new Gauge({
    ...named("build_info", "1, with the versions as labels.", ["version", "node"]),
    aggregator: "first",
  });
  const inFlight = new Gauge(named("calls_in_flight", "Calls that have no answer yet."));
  const providerInFlight = new Gauge(
    named("provider_in_flight", "Exchanges with the provider under way.", ["provider"]),
  );
  const queued = new Gauge(named("provider_queued", "Calls that wait for the provider's max_in_flight.", ["provider"]));
  const breaker = new Gauge({
    ...named("provider_breaker_state", "1 for the state that the provider's circuit breaker is in.", [
      "provider",
      "state",
    ]),
    aggregator: "max",
  });
  const suspensions = new Counter(
    named("provider_suspensions_total", "How often the provider was suspended.", ["provider"]),
  );
  const discovered = new Gauge({
    ...named("discovery_timestamp_seconds", "When the provider was last discovered.", ["provider"]),
    aggregator: "min",
  });
  const skew = new Gauge({
    ...named("provider_clock_skew_seconds", "By how much the provider's clock is ahead of ours.", ["provider"]),
    aggregator: "average",
  });
  const keyCreated = new Gauge({
    ...named("signing_key_created_timestamp_seconds", "The date that the file gives for a signing key.", [
      "kid",
      "use",
    ]),
    aggregator: "first",
  });
  const expiry = new Gauge({
    ...named("certificate_expiry_timestamp_seconds", "When a certificate ends, by its place in the file.", [
      "certificate",
    ]),
    aggregator: "min",
  });
  const reloaded = new Gauge({
    ...named("config_last_reload_successful", "1 unless the last SIGHUP changed nothing."),
    aggregator: "min",
  });
  const reloadTime = new Gauge({
    ...named("config_last_reload_timestamp_seconds", "When the configuration in use was taken."),
    aggregator: "min",
  });

  return (snapshot) => {
    for (const metric of [
      build,
      providerInFlight,
      queued,
      breaker,
      suspensions,
      discovered,
      skew,
      keyCreated,
      expiry,
    ]) {
      metric.reset();
    }
    build.set({ version: snapshot.version, node: snapshot.node }, 1);
    inFlight.set(snapshot.in_flight);
    for (const { name: provider, ...state } of snapshot.providers) {
      providerInFlight.set({ provider }, state.in_flight);
      queued.set({ provider }, state.queued);
      for (const one of BREAKER_STATES) breaker.set({ provider, state: one }, one === state.breaker ? 1 : 0);
      suspensions.inc({ provider }, state.suspensions);
      if (state.clock_skew !== undefined) skew.set({ provider }, state.clock_skew);
      if (state.discovered_at !== undefined) discovered.set({ provider }, state.discovered_at / 1000);
    }
    for (const { kid, use, created } of snapshot.keys) {
      if (created !== undefined) keyCreated.set({ kid, use }, Date.parse(created) / 1000);
    }
    for (const { place, expires_at } of snapshot.certificates) expiry.set({ certificate: place }, expires_at / 1000);
    reloaded.set(snapshot.reload?.problem === undefined ? 1 : 0);
    reloadTime.set(snapshot.configured_at / 1000);
  };
}
