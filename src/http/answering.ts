// Runs one call and turns what comes of it, a token or an error, into the response and the line of the log.

import { TokenProxyError } from "../errors.ts";
import type { CallRecord } from "../get-token.ts";
import type { TokenAnswer } from "../oauth/token-response.ts";
import type { Clock, Ids, Log } from "../ports.ts";
import { errorResponse, relay, WIRE, type Wire } from "./answer.ts";
import { asCallError, logAnswer, logError } from "./call-log.ts";
import type { DescribeIdentities } from "./identities.ts";

/** Nothing that `handle` throws gets further. */
export type Answer = (handle: (record: CallRecord) => Promise<TokenAnswer>, wire?: Wire) => Promise<Response>;

/** A place is free as soon as one of the calls in flight ends. */
const RETRY_AFTER_SECONDS = 1;

/** @param maxInFlight calls at once; whatever comes beyond is refused before it is looked at */
export function createAnswer(
  { ids, clock, log }: { ids: Ids; clock: Clock; log: Log },
  describe: DescribeIdentities,
  maxInFlight: number,
): Answer {
  let inFlight = 0;

  return async (handle, wire = WIRE) => {
    const started = clock.elapsed();
    const requestId = ids.uuid();
    const record: CallRecord = {};
    inFlight += 1;
    try {
      if (inFlight > maxInFlight) throw overloaded();
      const token = await handle(record);
      const response = relay(token, requestId);
      const duration = clock.elapsed() - started;
      logAnswer(log, { requestId, record, identities: await describe(record), duration }, token);
      return response;
    } catch (thrown) {
      const error = asCallError(thrown);
      const duration = clock.elapsed() - started;
      logError(log, { requestId, record, identities: await describe(record), duration }, error);
      return errorResponse(error, requestId, wire);
    } finally {
      inFlight -= 1;
    }
  };
}

function overloaded(): TokenProxyError {
  return new TokenProxyError("overloaded", 'more calls are in flight than "server.max_in_flight"', {
    retryAfter: RETRY_AFTER_SECONDS,
  });
}
