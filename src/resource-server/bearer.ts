// Guards routes: refuses requests without a valid credential as RFC 6750 section 3 describes.

import type { Context, Env, MiddlewareHandler } from "hono";

/** Options of both middlewares. */
export interface GuardOptions {
  /** Replaces the global fetch, for example by a service binding. It must honour its signal. */
  fetch?: typeof fetch | undefined;
}

const STATUS = { invalid_request: 400, invalid_token: 401, temporarily_unavailable: 503 } as const;

/** The message becomes error_description: it repeats nothing of the request and has no quotes. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly error: keyof typeof STATUS;

  constructor(error: keyof typeof STATUS, description: string, cause?: Error) {
    super(description, { cause });
    this.error = error;
  }
}

/** @param reason is not sent; the resource server finds it in `c.error` */
export function unavailable(server: string, reason: Error): Refusal {
  return new Refusal("temporarily_unavailable", `${server} gave no usable answer, try again later`, reason);
}

/** @returns what follows `Bearer`, unchecked; undefined without one or with another scheme */
export function readBearer(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  // The scheme is case-insensitive (RFC 9110 section 11.1).
  if (authorization === null || !/^bearer(?: |$)/i.test(authorization)) return undefined;
  // Several headers arrive joined by commas. A proxy in front may have checked another one of them.
  const credential = /^bearer +([^\s,]+)$/i.exec(authorization)?.[1];
  if (credential !== undefined) return credential;
  throw new Refusal("invalid_request", "Authorization must be Bearer with exactly one credential");
}

const CHALLENGE = 'Bearer realm="resource server"';
const RETRY_AFTER_SECONDS = "5";

/**
 * @param read finds the credential of a request, undefined if there is none
 * @param accept judges the credential and sets the variables; both throw a Refusal
 */
export function createGuard<E extends Env>(
  read: (headers: Headers) => string | undefined,
  accept: (c: Context<E>, credential: string) => Promise<void>,
): MiddlewareHandler<E> {
  return async (c, next) => {
    try {
      const credential = read(c.req.raw.headers);
      // RFC 6750 section 3.1: no error code for a request without a credential.
      if (credential === undefined) {
        return c.body(null, 401, { "Cache-Control": "no-store", "WWW-Authenticate": CHALLENGE });
      }
      await accept(c, credential);
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      const { error, message, cause } = refusal;
      // Not a new Response, which would drop headers set before, such as those of CORS.
      c.header("Cache-Control", "no-store");
      if (error === "temporarily_unavailable") {
        c.error = cause as Error;
        c.header("Retry-After", RETRY_AFTER_SECONDS);
      } else {
        c.header("WWW-Authenticate", `${CHALLENGE}, error="${error}", error_description="${message}"`);
      }
      return c.json({ error, error_description: message }, STATUS[error]);
    }
    await next();
  };
}

/** @param fault a phrase that follows the name and never repeats the value; undefined if none */
export function checkOption(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new TypeError(`"${name}" ${fault}`);
}

/** A timer of more than 24.8 days would fire at once. */
const DAY_MS = 86_400_000;

export function checkNumber(name: string, value: unknown, least: number, most = DAY_MS, unit = "milliseconds"): void {
  const fits = typeof value === "number" && value >= least && value <= most;
  checkOption(name, fits ? undefined : `must be a number of ${unit} from ${least} to ${most}`);
}

/** @param faultOf a further check, for text that is not empty */
export function checkText(name: string, value: unknown, faultOf?: (text: string) => string | undefined): void {
  const isText = typeof value === "string" && value !== "";
  checkOption(name, isText ? faultOf?.(value) : "must be a non-empty string");
}
