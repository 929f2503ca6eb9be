// Asks the issuer whether a token is still active: token introspection (RFC 7662).

import { clientSecretBasic, FORM_CONTENT_TYPE, Form } from "../core/form.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import { Secret } from "../core/secret.ts";
import { type Transport, TransportError } from "../core/transport.ts";
import { endpointUrlFault } from "../core/url.ts";
import { createActiveTokens } from "./active-tokens.ts";
import { millisecondsFault, requireOption, textFault } from "./options.ts";
import { UnavailableError } from "./refusal.ts";

export interface IntrospectionOptions {
  /** https, http on loopback alone. */
  endpoint: string;
  /** This resource server as a client of the issuer, authenticated by client_secret_basic. */
  client_id: string;
  client_secret: string;
  /** Milliseconds for one request, its answer included; 2000 by default. */
  timeout?: number | undefined;
  /** Milliseconds for which a token that was active is taken to be so still, revoked or not; 0 by default: every request asks. */
  cacheFor?: number | undefined;
}

/** @throws {UnavailableError} where the issuer does not say */
export type IsActive = (token: string) => Promise<boolean>;

const DEFAULT_TIMEOUT_MS = 2_000;
/** Some dozen claims; a large answer lists the groups of a user. */
const MAX_ANSWER_BYTES = 65_536;

/** @throws {TypeError} for options that cannot be meant */
export function createIntrospection(options: IntrospectionOptions, transport: Transport): IsActive {
  const { endpoint, client_id, client_secret, timeout = DEFAULT_TIMEOUT_MS, cacheFor = 0 } = options;
  requireOption("introspection.endpoint", textFault(endpoint, endpointUrlFault));
  requireOption("introspection.client_id", textFault(client_id));
  requireOption("introspection.client_secret", textFault(client_secret));
  requireOption("introspection.timeout", millisecondsFault(timeout, 1));
  requireOption("introspection.cacheFor", millisecondsFault(cacheFor, 0));
  const headers = {
    ...REQUEST_HEADERS,
    "content-type": FORM_CONTENT_TYPE,
    authorization: clientSecretBasic(client_id, new Secret(client_secret)),
  };
  const remembered = cacheFor === 0 ? undefined : createActiveTokens();

  async function ask(token: string): Promise<Introspection> {
    const form = new Form();
    form.append("token", token);
    const request = { method: "POST", url: endpoint, headers, body: form.toString() } as const;
    try {
      const { status, body } = await transport({ ...request, timeout, maxResponseBytes: MAX_ANSWER_BYTES });
      if (status !== 200) throw new UnavailableError(`introspection was answered with status ${status}`);
      return parseIntrospection(body);
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      throw new UnavailableError(`introspection got no complete answer: ${error.failure}`, { cause: error.cause });
    }
  }

  return async (token) => {
    if (await remembered?.has(token)) return true;
    const asked = Date.now();
    const { active, exp } = await ask(token);
    if (!active || exp <= Date.now()) return false;
    await remembered?.add(token, Math.min(asked + cacheFor, exp));
    return true;
  };
}

interface Introspection {
  active: boolean;
  /** Milliseconds since the epoch; Infinity where the answer does not say. */
  exp: number;
}

/** RFC 7662 §2.2. Only `true` itself is active: an issuer that writes it as text has made a mistake, and may make it with "false". */
function parseIntrospection(body: Uint8Array): Introspection {
  const answer = readJsonObject(body);
  if (answer === undefined) {
    throw new UnavailableError("introspection was answered with something that is not a JSON object");
  }
  const { active, exp } = answer;
  if (exp === undefined || exp === null) return { active: active === true, exp: Number.POSITIVE_INFINITY };
  if (typeof exp !== "number") throw new UnavailableError('introspection was answered with an "exp" that is no number');
  return { active: active === true, exp: exp * 1_000 };
}
