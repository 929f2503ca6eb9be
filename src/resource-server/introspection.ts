// Asks the issuer whether a token is still active (token introspection, RFC 7662).

import { clientSecretBasic, FORM_CONTENT_TYPE } from "../core/form.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import { Secret } from "../core/secret.ts";
import type { Transport } from "../core/transport.ts";
import { endpointUrlFault } from "../core/url.ts";
import { unavailable } from "./bearer.ts";
import { checkNumber, checkText } from "./options.ts";

export interface IntrospectionOptions {
  /** https, or http on loopback. */
  endpoint: string;
  /** This resource server as a client of the issuer; it authenticates by client_secret_basic. */
  client_id: string;
  client_secret: string;
  /** Milliseconds for one request with its answer; 2000 by default. */
  timeout?: number | undefined;
  /** Milliseconds for which an active token counts as active, even if revoked; 0 by default. */
  cacheFor?: number | undefined;
}

/** An answer has some dozen claims, and may list the groups of a user. */
const MAX_ANSWER_BYTES = 65_536;
/** Tokens; the oldest are forgotten first. An entry has some hundred bytes. */
const MAX_REMEMBERED = 5_000;

/** @returns a function that tells whether a token is active, and throws a Refusal if it cannot */
export function createIntrospection(
  { endpoint, client_id, client_secret, timeout = 2_000, cacheFor = 0 }: IntrospectionOptions,
  transport: Transport,
): (token: string) => Promise<boolean> {
  checkText("introspection.endpoint", endpoint, endpointUrlFault);
  checkText("introspection.client_id", client_id);
  checkText("introspection.client_secret", client_secret);
  checkNumber("introspection.timeout", timeout, 1);
  checkNumber("introspection.cacheFor", cacheFor, 0);
  const headers = {
    ...REQUEST_HEADERS,
    "content-type": FORM_CONTENT_TYPE,
    authorization: clientSecretBasic(client_id, new Secret(client_secret)),
  };

  /** @returns until when the token is active, in milliseconds since the epoch; 0 if it is not */
  async function ask(token: string): Promise<number> {
    const body = new URLSearchParams({ token }).toString();
    const request = { method: "POST", url: endpoint, headers, body, timeout } as const;
    const response = await transport({ ...request, maxResponseBytes: MAX_ANSWER_BYTES });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const answer = readJsonObject(response.body);
    if (answer === undefined) throw new Error("the answer is not a JSON object");
    const exp = answer.exp ?? Number.POSITIVE_INFINITY;
    if (typeof exp !== "number") throw new Error('"exp" in the answer is not a number');
    // RFC 7662 section 2.2. Only `true` counts: an issuer that sends "true" may also send "false".
    return answer.active === true ? exp * 1_000 : 0;
  }

  /**
   * SHA-256 of an active token, and the time until which it counts as active. Keeps results and not
   * promises, because workerd cannot settle those of another request. Keeps only active tokens, so
   * that made-up ones cannot fill the memory.
   */
  const activeUntil = new Map<string, number>();

  return async (token) => {
    const hash = await hashOf(token);
    const asked = Date.now();
    if (asked < (activeUntil.get(hash) ?? 0)) return true;
    const until = await ask(token).catch((error: Error) => {
      throw unavailable("the issuer", new Error(`introspection failed: ${error.message}`, { cause: error }));
    });
    activeUntil.delete(hash); // a Map keeps the order of insertion
    if (until <= Date.now()) return false;
    if (cacheFor > 0) activeUntil.set(hash, Math.min(asked + cacheFor, until));
    const [oldest] = activeUntil.keys();
    if (oldest !== undefined && activeUntil.size > MAX_REMEMBERED) activeUntil.delete(oldest);
    return true;
  };
}

async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return String.fromCharCode(...new Uint8Array(digest));
}
