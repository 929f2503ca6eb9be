// What a request gets that does not pass: the answers of RFC 6750 §3, and 503 where nobody can tell whether it may.

import type { Context } from "hono";

/** The credential is not good. The message is sent as error_description: it never repeats the request, and has no quotes. */
export class InvalidTokenError extends Error {
  override readonly name = "InvalidTokenError";
}

/** Whoever must be asked did not answer as it should. The message is for the log of the resource server. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
}

/** Long enough to spare a server that struggles, short enough for somebody who waits with an app in hand. */
const RETRY_AFTER_SECONDS = 5;

export interface Refusals {
  /** 401 without an error code, nor a body that has one: RFC 6750 §3.1 wants no error told to a request without a credential. */
  noCredential(c: Context): Response;
  /** 400. */
  invalidRequest(c: Context, description: string): Response;
  /** 401. */
  invalidToken(c: Context, description: string): Response;
  /** 503 with Retry-After. The cause is for `c.error`, where a middleware of the resource server finds it, and is not sent. */
  unavailable(c: Context, description: string, cause: Error): Response;
}

/** @param realm of the challenge: text that needs no escape in a quoted-string (RFC 9110 §5.6.4) */
export function createRefusals(realm: string): Refusals {
  const challenge = `Bearer realm="${realm}"`;

  // By c.json and c.body, and not as a Response of our own: headers that other middlewares have set (CORS, a request id) stay.
  function refuse(c: Context, status: 400 | 401, error: string, description: string): Response {
    return c.json({ error, error_description: description }, status, {
      "Cache-Control": "no-store",
      "WWW-Authenticate": `${challenge}, error="${error}", error_description="${description}"`,
    });
  }

  return {
    noCredential: (c) => c.body(null, 401, { "Cache-Control": "no-store", "WWW-Authenticate": challenge }),
    invalidRequest: (c, description) => refuse(c, 400, "invalid_request", description),
    invalidToken: (c, description) => refuse(c, 401, "invalid_token", description),
    unavailable(c, description, cause) {
      c.error = cause;
      return c.json({ error: "temporarily_unavailable", error_description: description }, 503, {
        "Cache-Control": "no-store",
        "Retry-After": String(RETRY_AFTER_SECONDS),
      });
    },
  };
}
