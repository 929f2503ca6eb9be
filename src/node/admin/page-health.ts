// What the operator has to know first: whether all is well, and if not, what is wrong and where on the page more is said of it.

import { NOTABLE_SKEW_SECONDS } from "../../oauth/clock-skew.ts";
import { counted, DAY_MS, duration, percent } from "./page-words.ts";
import type { CertificateSnapshot, ProviderSnapshot, Snapshot } from "./snapshot.ts";
import { MINUTE_MS, type Minute, sum } from "./window.ts";

export type Level = "good" | "warning" | "bad";

export interface Judged {
  level: Level;
  words: string;
}

export interface Concern extends Judged {
  /** The id of the part of the page that it is about. */
  where: string;
}

export interface Health extends Judged {
  concerns: readonly Concern[];
}

/** Minutes over which rates, shares and percentiles are told. The one that runs is the last of them. */
export const RECENT_MINUTES = 5;

const RENEW_SOON_DAYS = 30;
const RENEW_NOW_DAYS = 7;
/** An error in so few calls says little of a provider. */
const FEW_CALLS = 10;
const MANY_ERRORS = 0.1;

const SEVERITY: Readonly<Record<Level, number>> = { good: 0, warning: 1, bad: 2 };

/** @param now milliseconds since the epoch */
export function healthOf(snapshot: Snapshot, now: number): Health {
  const notReady = snapshot.providers.filter(({ ready }) => !ready).length;
  const concerns = [
    ...snapshot.providers.flatMap((provider, index) => providerConcerns(provider, index, now)),
    ...snapshot.nextauth.flatMap(({ key, last }): Concern[] =>
      last === undefined || last.outcome === "answered"
        ? []
        : [
            {
              level: "warning",
              words: `nextAuth Server ${key}: the last request ended with ${last.outcome}`,
              where: "nextauth",
            },
          ],
    ),
    ...snapshot.certificates.flatMap((certificate): Concern[] => {
      const { level, words } = certificateState(certificate, now);
      return level === "good"
        ? []
        : [{ level, words: `certificate ${certificate.place}: ${words}`, where: "certificates" }];
    }),
    ...(snapshot.reload?.problem === undefined
      ? []
      : [
          {
            level: "warning",
            words: "the last reload changed nothing: the file has a fault",
            where: "reload",
          } as const,
        ]),
  ];
  return {
    ...overall(snapshot, notReady, concerns),
    concerns: concerns.toSorted((a, b) => SEVERITY[b.level] - SEVERITY[a.level]),
  };
}

function overall(snapshot: Snapshot, notReady: number, concerns: readonly Concern[]): Judged {
  if (snapshot.draining) return { level: "warning", words: "Shutting down" };
  if (notReady > 0) {
    return { level: "bad", words: `Not ready: ${notReady} of ${counted(snapshot.providers.length, "provider")}` };
  }
  if (concerns.some(({ level }) => level === "bad")) return { level: "bad", words: "Ready, with faults" };
  if (concerns.length > 0) return { level: "warning", words: "Ready, with warnings" };
  return { level: "good", words: "Ready" };
}

function providerConcerns(provider: ProviderSnapshot, index: number, now: number): Concern[] {
  const where = `provider-${index}`;
  const warning = (words: string): Concern => ({ level: "warning", words: `${provider.name}: ${words}`, where });
  const skew = skewInWords(provider.clock_skew);
  const ofClock = skew === undefined ? [] : [warning(`its clock is ${skew}`)];
  const { level, words } = providerState(provider);
  if (level !== "good") return [{ ...warning(words.toLowerCase()), level }, ...ofClock];
  const { tokens, refused, errors } = recentOf(provider.minutes, now);
  const calls = tokens + refused + errors;
  if (calls < FEW_CALLS || errors < calls * MANY_ERRORS) return ofClock;
  return [warning(`${percent(errors, calls)} of the calls of the last ${RECENT_MINUTES} minutes failed`), ...ofClock];
}

/** @returns undefined where the clocks are as good as the same, or nothing is known */
export function skewInWords(seconds: number | undefined): string | undefined {
  if (seconds === undefined || Math.abs(seconds) < NOTABLE_SKEW_SECONDS) return undefined;
  return `${duration(Math.abs(seconds) * 1_000)} ${seconds > 0 ? "ahead of" : "behind"} ours`;
}

export function providerState({ ready, breaker }: ProviderSnapshot): Judged {
  if (!ready) return { level: "bad", words: "Not ready" };
  if (breaker === "open") return { level: "bad", words: "Suspended" };
  if (breaker === "half_open") return { level: "warning", words: "Trying again" };
  return { level: "good", words: "Ready" };
}

export function certificateState({ expires_at }: CertificateSnapshot, now: number): Judged {
  const left = expires_at - now;
  if (left < 0) return { level: "bad", words: `expired ${duration(-left)} ago: renew now` };
  const days = Math.floor(left / DAY_MS);
  const words = days === 0 ? `${duration(left)} left` : `${counted(days, "day")} left`;
  if (days < RENEW_NOW_DAYS) return { level: "bad", words: `${words}: renew now` };
  if (days < RENEW_SOON_DAYS) return { level: "warning", words: `${words}: renew soon` };
  return { level: "good", words };
}

export function recentOf(minutes: readonly Minute[], now: number): Minute {
  const last = Math.floor(now / MINUTE_MS);
  return sum(minutes.filter(({ minute }) => minute > last - RECENT_MINUTES));
}

/** The running minute is not over, and a young process has not seen them all. At least one, or the first call would be a thousand a minute. */
export function minutesSeen(now: number, startedAt: number): number {
  const whole = RECENT_MINUTES - 1 + (now % MINUTE_MS) / MINUTE_MS;
  return Math.max(1, Math.min(whole, (now - startedAt) / MINUTE_MS));
}
