// The whole program in memory: a real configuration, and fakes for all that its host would give.

import { createDeps, createPipeline, type Runtime } from "../../src/app.ts";
import { loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import type { CallReport } from "../../src/core/call-report.ts";
import { createTracer } from "../../src/core/trace.ts";
import { createNodeRateLimiter } from "../../src/node/inbound/rate-limiter.ts";
import { createNodeBulkhead } from "../../src/node/outbound/bulkhead.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { APIKEY, CALL, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { fakeClock, fakeCredentialHost, fakeIds, fakeLog, fakeProvider, hashText, response } from "../support/fakes.ts";

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
  /** Whether the app answers /healthz. */
  health?: boolean;
}

export async function buildApp({ provider = {}, file = {}, secrets = {}, deps = {}, health = false }: AppChanges = {}) {
  const parsed = parseConfig(JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider, file })), "f.yaml");
  const upstream = fakeProvider(() => response(200, TOKEN, { "content-type": "application/json" }));
  const { log, lines } = fakeLog();
  const clock = fakeClock();
  const reports: CallReport[] = [];
  const runtime: Runtime = {
    createTransport: upstream.createTransport,
    createRateLimiter: createNodeRateLimiter,
    createBulkhead: createNodeBulkhead,
    hashText,
    clock,
    ids: fakeIds(),
    log,
    tracer: createTracer(),
    observe: (report) => reports.push(report),
    inbound: workerInbound,
    maxInFlight: parsed.config.server.max_in_flight,
    hasHealth: health,
    ...deps,
  };
  const credentials = await loadCredentials(parsed, fakeCredentialHost({ ...SECRETS, ...secrets }));
  const app = createPipeline(await createDeps(parsed.config, credentials, runtime));
  return { app, upstream, clock, lines, reports };
}

export interface SentCall {
  method?: string;
  /** From the root, letter for letter. */
  path?: string;
  /** Added to the headers of a proper call; undefined takes one away. */
  headers?: Record<string, string | undefined>;
  /** Text or bytes as they are, or a value to serialise; undefined means none. */
  body?: unknown;
}

/** A proper call of getToken by the default binding, with every part open to change. */
export function call(changes: SentCall = {}): Request {
  const { method = "POST", path = "/getToken", headers = {} } = changes;
  const body = "body" in changes ? changes.body : CALL;
  const payload =
    body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const wanted = { "x-apikey": APIKEY, "x-nonce": NONCE, "content-type": "application/json", ...headers };
  return new Request(`http://proxy.example${path}`, {
    method,
    headers: Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(payload === undefined ? {} : { body: payload as string }),
  });
}

/** All of an answer, so that nothing in it goes unseen. */
export async function whole(answer: Response): Promise<{ status: number; headers: object; body: string }> {
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

export const COMMON_HEADERS = {
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
  "x-request-id": "uuid-1",
};

/** An answer of our own, as `whole` has it; for the first call of an app. */
export function ownAnswer(status: number, error: string, code: string, description: string, headers: object = {}) {
  return {
    status,
    headers: { ...COMMON_HEADERS, "content-type": "application/json", ...headers },
    body: `{"error":"${error}","error_description":${JSON.stringify(description)},"error_code":"${code}","request_id":"uuid-1"}`,
  };
}
