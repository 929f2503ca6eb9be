// Judges a snapshot: the state of the service, of its providers and of certificates.

import type { BreakerState } from "../../oauth/breaker.ts";
import { NOTABLE_SKEW_SECONDS } from "../../oauth/clock-skew.ts";
import { counted, DAY_MS, duration } from "./format.ts";
import type { ProviderSnapshot, Snapshot } from "./snapshot.ts";

export type Level = "good" | "warning" | "bad";

export interface Judgement {
  level: Level;
  text: string;
}

const RENEW_SOON_MS = 30 * DAY_MS;
const RENEW_NOW_MS = 7 * DAY_MS;

/** @returns the state of the service, in a line */
export function healthOf({ draining, ready, providers, certificates, reload, at }: Snapshot): Judgement {
  if (draining) return { level: "warning", text: "Shutting down" };
  const missing = providers.filter((provider) => !provider.ready).length;
  if (!ready) return { level: "bad", text: `Not ready: ${missing} of ${counted(providers.length, "provider")}` };
  const levels = [
    ...providers.map((provider) => providerState(provider).level),
    ...certificates.map(({ expires_at }) => certificateState(expires_at, at).level),
    ...(reload?.problem === undefined ? [] : ["warning"]),
  ];
  if (levels.includes("bad")) return { level: "bad", text: "Ready, with faults" };
  if (levels.includes("warning")) return { level: "warning", text: "Ready, with warnings" };
  return { level: "good", text: "Ready" };
}

const BREAKER_STATES: Readonly<Record<BreakerState, Judgement>> = {
  closed: { level: "good", text: "Ready" },
  half_open: { level: "warning", text: "Trying again" },
  open: { level: "bad", text: "Suspended" },
};

export function providerState({ ready, breaker, refusesEverybody, assertion }: ProviderSnapshot): Judgement {
  if (!ready) return { level: "bad", text: "Not ready" };
  if (breaker === "open") return BREAKER_STATES.open;
  if (refusesEverybody) return { level: "bad", text: "Refuses everybody" };
  if (assertion?.problem !== undefined) return { level: "bad", text: "Client assertion unusable" };
  return BREAKER_STATES[breaker];
}

/** @returns what else there is to know about its state */
export function notesOn({ problem, suspensions, assertion, movedTo, clockSkew = 0 }: ProviderSnapshot, now: number) {
  const ends = assertion?.expires_at;
  const skew = Math.abs(clockSkew);
  return [
    problem ?? assertion?.problem,
    suspensions > 0 && `suspended ${suspensions}×`,
    ends !== undefined && `client assertion ${certificateState(ends, now).text}`,
    movedTo !== undefined && `the token endpoint moved to ${movedTo}; a reload accepts that`,
    skew >= NOTABLE_SKEW_SECONDS && `its clock and ours differ by ${duration(skew * 1_000)}`,
  ].filter((note) => typeof note === "string");
}

export function certificateState(expires_at: number, now: number): Judgement {
  const left = expires_at - now;
  if (left < 0) return { level: "bad", text: `expired ${duration(-left)} ago` };
  const level = left < RENEW_NOW_MS ? "bad" : left < RENEW_SOON_MS ? "warning" : "good";
  return { level, text: `expires in ${duration(left)}` };
}
