// Judges a snapshot: whether the service is well, and if not, what is wrong and what to do.

import type { Config } from "../../config/parse.ts";
import type { BreakerState } from "../../oauth/breaker.ts";
import { NOTABLE_SKEW_SECONDS } from "../../oauth/clock-skew.ts";
import { counted, DAY_MS, duration, percent } from "./format.ts";
import { callsOf, RECENT_MINUTES } from "./recorder.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";

export type Level = "good" | "warning" | "bad";

interface State {
  level: Level;
  text: string;
}

export interface Concern extends State {
  cure: string;
  /** Id of the part of the page with the details. */
  where: string;
}

/** After this, a provider that is down must not hold up the calls to others. */
const START_MS = 30_000;
const RENEW_SOON_MS = 30 * DAY_MS;
const RENEW_NOW_MS = 7 * DAY_MS;
/** With fewer calls an error says little about a provider. */
const FEW_CALLS = 10;
const MANY_ERRORS = 0.1;

/** @param upFor milliseconds since the start */
export function isReady(policy: Config["server"]["readiness"], reached: number, all: number, upFor: number): boolean {
  return reached >= { started: upFor < START_MS ? all : 0, any: 1, all }[policy];
}

/** @returns the state of the service, and what needs attention, faults before warnings */
export function healthOf(snapshot: Snapshot): State & { concerns: Concern[] } {
  const { draining, ready, providers } = snapshot;
  const concerns = concernsOf(snapshot);
  const state = (level: Level, text: string) => ({ level, text, concerns });
  if (draining) return state("warning", "Shutting down");
  const missing = providers.filter((provider) => !provider.ready);
  if (!ready) return state("bad", `Not ready: ${missing.length} of ${counted(providers.length, "provider")}`);
  if (concerns[0]?.level === "bad") return state("bad", "Ready, with faults");
  if (concerns.length > 0) return state("warning", "Ready, with warnings");
  return state("good", "Ready");
}

function concernsOf({ providers, nextauth, certificates, reload, at }: Snapshot): Concern[] {
  const concerns: Concern[] = [];
  const add = (level: Level, where: string, text: string, cure: string) => concerns.push({ level, where, text, cure });

  const where = "providers";
  for (const provider of providers) {
    const { recent } = provider;
    const { level, problem, cure = "" } = providerState(provider);
    const calls = callsOf(recent);
    if (problem !== undefined) {
      const reason = provider.problem === undefined ? "" : ` (${provider.problem})`;
      add(level, where, `${provider.name}: ${problem}${reason}`, cure);
    } else if (calls >= FEW_CALLS && recent.error >= calls * MANY_ERRORS) {
      const text = `${percent(recent.error, calls)} of the calls in the last ${RECENT_MINUTES} minutes failed`;
      add("warning", where, `${provider.name}: ${text}`, "Look up the error codes in the last calls or in the log.");
    }
    if (provider.refusesEverybody) {
      const cure = "Users are rarely all at fault. Its words are in the log: check the setup at both ends.";
      add("bad", where, `${provider.name}: refuses everybody, with no token in between`, cure);
    }
    if (provider.movedTo !== undefined) {
      const text = `${provider.name}: its metadata has a token endpoint on ${provider.movedTo}, which is not used`;
      add("warning", where, text, "If the provider confirms that it moved, reload with SIGHUP.");
    }
    if (provider.assertion?.problem !== undefined) {
      const cure = "Calls to it fail with client_assertion_unusable: check what writes the file.";
      add("bad", where, provider.assertion.problem, cure);
    }
    const skew = skewText(provider);
    if (skew !== undefined) {
      const text = `${provider.name}: its clock is ${skew}`;
      add("warning", where, text, "Synchronise both clocks with NTP, or the provider may reject our JWTs.");
    }
  }
  for (const { key, last } of nextauth) {
    if (last === undefined || last.outcome === "answered") continue;
    const text = `${key}: the last request to this nextAuth Server failed with ${last.outcome}`;
    const cure = "Check that it is up, and that its url, serverid and apikey in the file are right.";
    add("warning", "nextauth", text, cure);
  }
  for (const { place, expires_at } of certificates) {
    const { level, text } = certificateState(expires_at, at);
    if (level === "good") continue;
    const cure = `Renew it ${level === "bad" ? "now" : "soon"}. A changed file is used at once, unless server.watch is none.`;
    add(level, "certificates", `${place}: the certificate ${text}`, cure);
  }
  if (reload?.problem !== undefined) {
    const text = "the last reload failed, so the old configuration is still in use";
    add("warning", "reload", text, "Fix the fault shown below, then reload again with SIGHUP.");
  }
  return concerns.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}

const PROVIDER_STATES: Readonly<Record<BreakerState | "not_ready", State & { problem?: string; cure?: string }>> = {
  not_ready: {
    level: "bad",
    text: "Not ready",
    problem: "its metadata cannot be read, so calls to it fail",
    cure: "Check the issuer URL in the file and the network. The proxy keeps trying.",
  },
  closed: { level: "good", text: "Ready" },
  half_open: {
    level: "warning",
    text: "Trying again",
    problem: "suspended until a trial call succeeds",
    cure: "If it is suspended again, check that the provider is up.",
  },
  open: {
    level: "bad",
    text: "Suspended",
    problem: "suspended after repeated failures, so calls to it fail at once",
    cure: "Check that the provider is up. The first successful trial call ends the suspension.",
  },
};

export function providerState({ ready, breaker }: ProviderSnapshot) {
  return PROVIDER_STATES[ready ? breaker : "not_ready"];
}

/** @returns undefined if the skew is unknown or too small to matter */
function skewText({ clockSkew: seconds }: ProviderSnapshot): string | undefined {
  if (seconds === undefined || Math.abs(seconds) < NOTABLE_SKEW_SECONDS) return undefined;
  return `${duration(Math.abs(seconds) * 1_000)} ${seconds > 0 ? "ahead of" : "behind"} ours`;
}

export function certificateState(expires_at: number, now: number): State {
  const left = expires_at - now;
  if (left < 0) return { level: "bad", text: `expired ${duration(-left)} ago` };
  const level = left < RENEW_NOW_MS ? "bad" : left < RENEW_SOON_MS ? "warning" : "good";
  return { level, text: `expires in ${duration(left)}` };
}
