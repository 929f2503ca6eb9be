// Sends a request once more where the first time cannot have had an effect.

import { type Delivery, TransportError } from "./transport.ts";

/**
 * @param send makes everything anew, signatures and their jti included: an assertion that comes twice reads as a replay (RFC 7523 §3).
 * It keeps the deadline.
 * @param isHarmless whether a request may go out again after the other side can have seen that much of it
 */
export async function withOneRetry<T>(send: () => Promise<T>, isHarmless: (delivery: Delivery) => boolean): Promise<T> {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof TransportError) || error.failure !== "unreachable" || !isHarmless(error.delivery))
      throw error;
    return send();
  }
}
