// How far another machine's clock is from ours, by the Date of its answer: a JWT that is dated into somebody's future is refused.

/** IMF-fixdate (RFC 9110 §5.6.7). The two obsolete forms are not read: nobody sends them, and one has years of two digits. */
const IMF_FIXDATE =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

/**
 * @param dateHeader the Date of an answer
 * @param now milliseconds since the epoch by our clock
 * @returns seconds by which the sender's clock is ahead of ours, negative where it is behind; undefined where the header is no
 * IMF-fixdate, or one of a day that does not exist. A Date has whole seconds, so up to one of them says nothing.
 */
export function clockSkew(dateHeader: string | undefined, now: number): number | undefined {
  if (dateHeader === undefined || !IMF_FIXDATE.test(dateHeader)) return undefined;
  const date = dateHeader.replace(":60 GMT", ":59 GMT"); // a leap second, which Date does not know
  const time = Date.parse(date);
  // Date.parse takes 31 Feb for a day of March, and any day of the week.
  if (Number.isNaN(time) || new Date(time).toUTCString() !== date) return undefined;
  return (time - now) / 1_000;
}

/**
 * Of a whole answer. It was written at some time between the two that are given, so only a Date outside of both is another clock.
 * @param sent when the request went out, and when the answer was there: milliseconds since the epoch
 * @returns seconds, 0 where the clocks may be the same; undefined where the answer tells nothing
 */
export function skewOfAnswer(
  headers: { get(name: string): string | null },
  sent: number,
  received: number,
): number | undefined {
  if (headers.get("age") !== null) return undefined; // of a cache, and so of another time (RFC 9111 §5.1)
  const date = headers.get("date") ?? undefined;
  const ahead = clockSkew(date, received);
  if (ahead === undefined) return undefined;
  return ahead > 0 ? ahead : Math.min(clockSkew(date, sent) as number, 0);
}

/** Seconds from which on clocks count as different. A JWT's life is a minute by default. */
export const NOTABLE_SKEW_SECONDS = 5;

export const SKEW_CURE = "set one of the two by NTP, or JWTs may be refused";
