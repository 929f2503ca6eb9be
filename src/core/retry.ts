// Sends a request a second time if the first one cannot have had an effect.

import { type Delivery, TransportError } from "./transport.ts";

/**
 * @param send builds a new request within the same deadline; signatures and `jti` are new, because
 * a reused assertion looks like a replay (RFC 7523 section 3)
 * @param isHarmless whether a second request does no harm if the server saw this much of the first
 */
export async function withOneRetry<T>(send: () => Promise<T>, isHarmless: (delivery: Delivery) => boolean): Promise<T> {
  try {
    return await send();
  } catch (error) {
    const mayRepeat = error instanceof TransportError && error.failure === "unreachable" && isHarmless(error.delivery);
    if (!mayRepeat) throw error;
    return send();
  }
}
