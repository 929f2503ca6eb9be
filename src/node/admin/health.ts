// Judges a snapshot: whether the service is well, and what needs attention.

import type { Config } from "../../config/complete.ts";
import type { BreakerState } from "../../oauth/breaker.ts";
import { NOTABLE_SKEW_SECONDS } from "../../oauth/clock-skew.ts";
import { counted, DAY_MS, duration } from "./format.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";

export type Level = "good" | "warning" | "bad";

export interface Judgement {
  level: Level;
  text: string;
}

/** After this, a provider that is down must not hold up the calls to others. */
const START_MS = 30_000;
const RENEW_SOON_MS = 30 * DAY_MS;
const RENEW_NOW_MS = 7 * DAY_MS;

/** @param upFor milliseconds since the start */
export function isReady(policy: Config["server"]["readiness"], reached: number, all: number, upFor: number): boolean {
  return reached >= { started: upFor < START_MS ? all : 0, any: 1, all }[policy];
}

/** @returns the state of the service, and what is wrong, faults before warnings */
export function healthOf(snapshot: Snapshot): Judgement & { problems: Judgement[] } {
  const { draining, ready, providers } = snapshot;
  const problems = problemsIn(snapshot).sort((a, b) => Number(b.level === "bad") - Number(a.level === "bad"));
  const state = (level: Level, text: string) => ({ level, text, problems });
  const missing = providers.filter((provider) => !provider.ready).length;
  if (draining) return state("warning", "Shutting down");
  if (!ready) return state("bad", `Not ready: ${missing} of ${counted(providers.length, "provider")}`);
  if (problems[0] === undefined) return state("good", "Ready");
  return problems[0].level === "bad" ? state("bad", "Ready, with faults") : state("warning", "Ready, with warnings");
}

function problemsIn({ providers, nextauth, certificates, reload, at }: Snapshot): Judgement[] {
  const problems: Judgement[] = [];
  const add = (level: Level | false, text = "") => level && level !== "good" && problems.push({ level, text });
  for (const { name, ready, problem, breaker, refusesEverybody, assertion, movedTo, clockSkew = 0 } of providers) {
    add(!ready && "bad", `${name}: calls to it fail, because its metadata cannot be read (${problem})`);
    add(BREAKER_STATES[breaker].level, `${name}: suspended after repeated failures, until a trial call succeeds`);
    add(
      refusesEverybody && "bad",
      `${name}: refuses everybody; the log has its words, so check the setup at both ends`,
    );
    add(assertion?.problem !== undefined && "bad", assertion?.problem);
    add(movedTo !== undefined && "warning", `${name}: its token endpoint moved to ${movedTo}; a reload accepts that`);
    const skew = duration(Math.abs(clockSkew) * 1_000);
    add(Math.abs(clockSkew) >= NOTABLE_SKEW_SECONDS && "warning", `${name}: its clock and ours differ by ${skew}`);
  }
  for (const { key, last } of nextauth) {
    const isWell = last === undefined || last.outcome === "answered";
    add(!isWell && "warning", `${key}: the last request to this nextAuth Server failed with ${last?.outcome}`);
  }
  for (const { place, expires_at } of certificates) {
    const { level, text } = certificateState(expires_at, at);
    add(level, `${place}: the certificate ${text}`);
  }
  add(reload?.problem !== undefined && "warning", "the last reload failed, so the old configuration is still in use");
  return problems;
}

const BREAKER_STATES: Readonly<Record<BreakerState, Judgement>> = {
  closed: { level: "good", text: "Ready" },
  half_open: { level: "warning", text: "Trying again" },
  open: { level: "bad", text: "Suspended" },
};

export function providerState({ ready, breaker }: ProviderSnapshot): Judgement {
  return ready ? BREAKER_STATES[breaker] : { level: "bad", text: "Not ready" };
}

export function certificateState(expires_at: number, now: number): Judgement {
  const left = expires_at - now;
  if (left < 0) return { level: "bad", text: `expired ${duration(-left)} ago` };
  const level = left < RENEW_NOW_MS ? "bad" : left < RENEW_SOON_MS ? "warning" : "good";
  return { level, text: `expires in ${duration(left)}` };
}
