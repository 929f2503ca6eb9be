// Counts calls for Prometheus, and reports the state of the service at each scrape.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Observe } from "../core/call-report.ts";
import type { Snapshot } from "./admin/snapshot.ts";

export interface Metrics {
  observe: Observe;
  /** @returns the metrics in Prometheus' text format */
  text(): Promise<string>;
}

/** Prometheus keeps the suffix _total for counters, but these gauges of prom-client have it. */
const MISNAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** Seconds: from a provider next door to the longest timeout that anybody sets. */
const CALL_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Seconds: an HMAC takes microseconds, an RSA signature on a busy machine some milliseconds. */
const SIGNING_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];

const BREAKER_STATES = ["closed", "open", "half_open"] as const;

/** Between two samples of the event loop's delay. prom-client's default of 10 ms takes 0.9 % of an idle core. */
const EVENT_LOOP_SAMPLING_MS = 100;

/** @param read takes the snapshot for the gauges, once per scrape */
export function createMetrics(read: () => Snapshot): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  for (const name of MISNAMED) register.removeSingleMetric(name);
  const observe = countCalls(register);
  const refresh = createGauges(register);
  return {
    observe,
    text() {
      refresh(read());
      return register.metrics();
    },
  };
}

function named<Label extends string = never>(register: Registry, name: string, help: string, labelNames: Label[] = []) {
  return { name: `token_proxy_${name}`, help, labelNames, registers: [register] };
}

/** Labels are keys of the file and codes of the error table, so callers cannot add any. */
function countCalls(register: Registry): Observe {
  const calls = new Counter(
    named(register, "calls_total", "Calls answered, by outcome.", ["route", "provider", "outcome", "error_code"]),
  );
  const durations = new Histogram({
    ...named(register, "call_duration_seconds", "From a call's arrival to its response.", ["route", "provider"]),
    buckets: CALL_BUCKETS,
  });
  const tokenRequests = new Histogram({
    ...named(register, "provider_duration_seconds", "All token requests of one call with their answers.", ["provider"]),
    buckets: CALL_BUCKETS,
  });
  const sessionChecks = new Histogram({
    ...named(register, "session_check_duration_seconds", "The getSession request of one call."),
    buckets: CALL_BUCKETS,
  });
  const signatures = new Histogram({
    ...named(register, "signing_duration_seconds", "Signing all JWTs of one call.", ["provider"]),
    buckets: SIGNING_BUCKETS,
  });
  const retries = new Counter(
    named(register, "provider_retries_total", "Token requests beyond the first one of a call.", ["provider"]),
  );

  return ({ route, provider = "", outcome, errorCode: error_code = "", duration, durations: steps, attempts }) => {
    calls.inc({ route, provider, outcome, error_code });
    durations.observe({ route, provider }, duration / 1000);
    if (steps.session_check !== undefined) sessionChecks.observe(steps.session_check / 1000);
    if (provider === "") return;
    if (steps.provider !== undefined) tokenRequests.observe({ provider }, steps.provider / 1000);
    if (steps.signing !== undefined) signatures.observe({ provider }, steps.signing / 1000);
    retries.inc({ provider }, Math.max(0, attempts - 1));
  };
}

/** @returns a function that sets all gauges, and removes those of providers, keys and certificates that are gone */
function createGauges(register: Registry): (snapshot: Snapshot) => void {
  const gauge = <Label extends string = never>(name: string, help: string, labelNames?: Label[]) =>
    new Gauge(named(register, name, help, labelNames));
  const build = gauge("build_info", "Always 1; the labels are versions.", ["version", "node"]);
  const inFlight = gauge("calls_in_flight", "Calls without a response yet.");
  const providerInFlight = gauge("provider_in_flight", "Token requests in flight.", ["provider"]);
  const queued = gauge("provider_queued", "Calls waiting because of the provider's max_in_flight.", ["provider"]);
  const breaker = gauge("provider_breaker_state", "1 for the current state of the circuit breaker.", [
    "provider",
    "state",
  ]);
  const suspensions = new Counter(
    named(register, "provider_suspensions_total", "How often the provider was suspended.", ["provider"]),
  );
  const discovered = gauge("discovery_timestamp_seconds", "Last successful discovery of the provider.", ["provider"]);
  const skew = gauge("provider_clock_skew_seconds", "How far the provider's clock is ahead of ours.", ["provider"]);
  const keyCreated = gauge("signing_key_created_timestamp_seconds", "Date of a signing key in the file.", [
    "kid",
    "use",
  ]);
  const expiry = gauge("certificate_expiry_timestamp_seconds", "Expiry of a certificate, by its key in the file.", [
    "certificate",
  ]);
  const reloaded = gauge("config_last_reload_successful", "0 if the last reload was refused, otherwise 1.");
  const reloadTime = gauge("config_last_reload_timestamp_seconds", "When the current configuration was loaded.");
  const labelled = [build, providerInFlight, queued, breaker, suspensions, discovered, skew, keyCreated, expiry];

  return (snapshot) => {
    for (const metric of labelled) metric.reset();
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
