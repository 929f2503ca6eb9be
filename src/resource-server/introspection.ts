// Asks the issuer whether a token is still active (token introspection, RFC 7662).

import { clientSecretBasic, FORM_CONTENT_TYPE } from "../core/form.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import { Secret } from "../core/secret.ts";
import type { Transport } from "../core/transport.ts";
import { endpointUrlFault } from "../core/url.ts";
import { checkNumber, checkText, unavailable } from "./bearer.ts";

export interface IntrospectionOptions {
  /** https, or http on loopback. */
  endpoint: string;
  /** This resource server as a client of the issuer; it authenticates by client_secret_basic. */
  client_id: string;
  client_secret: string;
  /** Milliseconds for one request with its answer; 2000 by default. */
  timeout?: number | undefined;
}

/** An answer has some dozen claims, and may list the groups of a user. */
const MAX_ANSWER_BYTES = 65_536;

/** @returns a function that tells whether a token is active, and throws a Refusal if it cannot */
export function createIntrospection(
  { endpoint, client_id, client_secret, timeout = 2_000 }: IntrospectionOptions,
  transport: Transport,
): (token: string) => Promise<boolean> {
  checkText("introspection.endpoint", endpoint, endpointUrlFault);
  checkText("introspection.client_id", client_id);
  checkText("introspection.client_secret", client_secret);
  checkNumber("introspection.timeout", timeout, 1);
  const headers = {
    ...REQUEST_HEADERS,
    "content-type": FORM_CONTENT_TYPE,
    authorization: clientSecretBasic(client_id, new Secret(client_secret)),
  };

  async function ask(token: string): Promise<boolean> {
    const body = new URLSearchParams({ token }).toString();
    const request = { method: "POST", url: endpoint, headers, body, timeout } as const;
    const response = await transport({ ...request, maxResponseBytes: MAX_ANSWER_BYTES });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const answer = readJsonObject(response.body);
    if (answer === undefined) throw new Error("the answer is not a JSON object");
    const exp = answer.exp ?? Number.POSITIVE_INFINITY;
    if (typeof exp !== "number") throw new Error('"exp" in the answer is not a number');
    // RFC 7662 section 2.2. Only `true` counts: an issuer that sends "true" may also send "false".
    return answer.active === true && exp * 1_000 > Date.now();
  }

  return (token) =>
    ask(token).catch((error: Error) => {
      throw unavailable("the issuer", new Error(`introspection failed: ${error.message}`, { cause: error }));
    });
}
