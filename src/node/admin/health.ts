// Judges a snapshot: whether the service is well, and if not, what is wrong and what to do.

import type { BreakerState } from "../../oauth/breaker.ts";
import { NOTABLE_SKEW_SECONDS } from "../../oauth/clock-skew.ts";
import { counted, DAY_MS, duration, percent } from "./format.ts";
import { callsOf, lastMinutes, type Minute, sumOf } from "./recorder.ts";
import type { CertificateSnapshot, ProviderSnapshot, Snapshot } from "./snapshot.ts";

export type Level = "good" | "warning" | "bad";

export interface State {
  level: Level;
  text: string;
}

export interface Concern extends State {
  cure: string;
  /** Id of the part of the page with the details. */
  where: string;
}

/** Rates, shares and percentiles cover these minutes, including the current one. */
export const RECENT_MINUTES = 5;

const RENEW_SOON_MS = 30 * DAY_MS;
const RENEW_NOW_MS = 7 * DAY_MS;
/** With fewer calls an error says little about a provider. */
const FEW_CALLS = 10;
const MANY_ERRORS = 0.1;

export function healthOf({ draining, providers }: Snapshot, concerns: readonly Concern[]): State {
  const notReady = providers.filter(({ ready }) => !ready).length;
  if (draining) return { level: "warning", text: "Shutting down" };
  if (notReady > 0) return { level: "bad", text: `Not ready: ${notReady} of ${counted(providers.length, "provider")}` };
  if (concerns[0]?.level === "bad") return { level: "bad", text: "Ready, with faults" };
  if (concerns.length > 0) return { level: "warning", text: "Ready, with warnings" };
  return { level: "good", text: "Ready" };
}

/** @returns what needs attention, faults before warnings */
export function concernsOf({ providers, nextauth, certificates, reload, at }: Snapshot): Concern[] {
  const concerns: Concern[] = [];
  const add = (level: Level, where: string, text: string, cure: string) => concerns.push({ level, where, text, cure });

  for (const [index, provider] of providers.entries()) {
    const where = `provider-${index}`;
    const { level, problem, cure = "" } = providerState(provider);
    const recent = recentOf(provider, at);
    const calls = callsOf(recent);
    if (problem !== undefined) {
      add(level, where, `${provider.name}: ${problem}`, cure);
    } else if (calls >= FEW_CALLS && recent.error >= calls * MANY_ERRORS) {
      const text = `${percent(recent.error, calls)} of the calls in the last ${RECENT_MINUTES} minutes failed`;
      add("warning", where, `${provider.name}: ${text}`, "Look up the error codes in the last calls or in the log.");
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
    add(
      "warning",
      "nextauth",
      text,
      "Check that it is up, and that its url, serverid and apikey in the file are right.",
    );
  }
  for (const certificate of certificates) {
    const { level, text } = certificateState(certificate, at);
    if (level === "good") continue;
    const cure = `Renew it ${level === "bad" ? "now" : "soon"}, then reload with SIGHUP.`;
    add(level, "certificates", `${certificate.place}: the certificate ${text}`, cure);
  }
  if (reload?.problem !== undefined) {
    const text = "the last reload failed, so the old configuration is still in use";
    add("warning", "reload", text, "Fix the fault shown below, then reload again with SIGHUP.");
  }
  return concerns.sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
}

interface ProviderState extends State {
  problem?: string;
  cure?: string;
}

const NOT_READY: ProviderState = {
  level: "bad",
  text: "Not ready",
  problem: "its metadata cannot be read, so calls to it fail",
  cure: "Check the issuer URL in the file and the network. The proxy keeps trying.",
};
const BREAKER_STATES: Readonly<Record<BreakerState, ProviderState>> = {
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

export function providerState({ ready, breaker }: ProviderSnapshot): ProviderState {
  return ready ? BREAKER_STATES[breaker] : NOT_READY;
}

/** The calls of the last minutes, added up. */
export function recentOf({ minutes }: ProviderSnapshot, now: number): Minute {
  return sumOf(lastMinutes(minutes, RECENT_MINUTES, now));
}

/** @returns undefined if the skew is unknown or too small to matter */
export function skewText({ clock_skew: seconds }: ProviderSnapshot): string | undefined {
  if (seconds === undefined || Math.abs(seconds) < NOTABLE_SKEW_SECONDS) return undefined;
  return `${duration(Math.abs(seconds) * 1_000)} ${seconds > 0 ? "ahead of" : "behind"} ours`;
}

export function certificateState({ expires_at }: CertificateSnapshot, now: number): State {
  const left = expires_at - now;
  if (left < 0) return { level: "bad", text: `expired ${duration(-left)} ago` };
  const level = left < RENEW_NOW_MS ? "bad" : left < RENEW_SOON_MS ? "warning" : "good";
  return { level, text: `expires in ${duration(left)}` };
}
