// The whole program in memory: a real configuration, and fakes of what a runtime supplies.

import { createDeps, createPipeline } from "../../src/app.ts";
import { loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { CallReport } from "../../src/core/call-report.ts";
import type { Runtime } from "../../src/core/ports.ts";
import { createNodeRateLimiter } from "../../src/node/inbound/rate-limiter.ts";
import { createNodeBulkhead } from "../../src/node/outbound/bulkhead.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { APIKEY, CALL, NONCE } from "./call.ts";
import { fileConfig, SECRETS } from "./config.ts";
import {
  fakeClock,
  fakeCredentialHost,
  fakeIds,
  fakeLog,
  fakeProvider,
  hashText,
  response,
  UNOBSERVED,
} from "./fakes.ts";

export const TOKEN_ENDPOINT = "https://idp.example/token";
export const TOKEN = '{"access_token":"the-token","token_type":"Bearer","expires_in":3600}';

export interface AppChanges {
  /** Keys of the provider `main`. */
  provider?: object;
  /** Keys of the file. */
  file?: object;
  /** Added to those of the smallest file. */
  secrets?: Readonly<Record<string, string>>;
  deps?: Partial<Runtime>;
}

/** What a runtime supplies. By default its provider answers with a token. */
export function fakeRuntime(changes: Partial<Runtime> = {}): Runtime {
  return {
    createTransport: fakeProvider(() => response(200, TOKEN)).createTransport,
    createRateLimiter: createNodeRateLimiter,
    createBulkhead: createNodeBulkhead,
    hashText,
    clock: fakeClock(),
    ids: fakeIds(),
    log: () => {},
    ...UNOBSERVED,
    inbound: workerInbound,
    maxInFlight: 1,
    hasHealth: false,
    ...changes,
  };
}

export async function buildApp({ provider = {}, file = {}, secrets = {}, deps = {} }: AppChanges = {}) {
  const parsed = parseConfig(JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider, file })), "f.yaml");
  const upstream = fakeProvider(() => response(200, TOKEN, { "content-type": "application/json" }));
  const { log, lines } = fakeLog();
  const clock = fakeClock();
  const reports: CallReport[] = [];
  const runtime = fakeRuntime({
    createTransport: upstream.createTransport,
    clock,
    log,
    onReport: (report) => reports.push(report),
    maxInFlight: parsed.config.server.max_in_flight,
    ...deps,
  });
  const credentials = await loadCredentials(parsed, fakeCredentialHost({ ...SECRETS, ...secrets }));
  const built = await createDeps(parsed.config, credentials, runtime);
  return { app: createPipeline(built), deps: built, upstream, clock, lines, reports };
}

export interface SentCall {
  method?: string;
  /** Path and query, sent as given. */
  path?: string;
  /** Added to the headers of a valid call; undefined removes one. */
  headers?: Record<string, string | undefined>;
  /** Text and bytes are sent unchanged, any other value as JSON; undefined sends none. */
  body?: unknown;
}

/** A valid call of getToken by the default binding, with changes. */
export function call(changes: SentCall = {}): Request {
  const { method = "POST", path = "/getToken", headers = {} } = changes;
  const body = "body" in changes ? changes.body : CALL;
  const payload =
    body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const sent = { "x-apikey": APIKEY, "x-nonce": NONCE, "content-type": "application/json", ...headers };
  return new Request(`http://proxy.example${path}`, {
    method,
    headers: Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(payload === undefined ? {} : { body: payload as string }),
  });
}
