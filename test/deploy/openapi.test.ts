// docs/openapi.yaml: what it says occurs, and what occurs is in it.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import { TransportError, type TransportFailure, type TransportResponse } from "../../src/core/transport.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { type AppChanges, buildApp, call, type SentCall, TOKEN } from "../support/app.ts";
import { type Answered, NONCE, readResponse } from "../support/call.ts";
import { fakeProvider, response, sha256 } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";
import { documented, documentedAs, OPENAPI_FILE, operations, version } from "./openapi.ts";

const run = promisify(execFile);
const GET_TOKEN = "post /getToken";
const EXCHANGE = "post /token";
const NEXTAUTH = "https://ns-api.example";
const ISSUER = "https://proxy.example";
const secrets = { SIGNING_KEY: (await makeKey("ES256")).pem, NEXTAUTH_APIKEY: "apikey of the virtual server" };

interface Case extends AppChanges {
  /** The only operation at which it can come about. */
  only?: string;
  sent?: SentCall;
  /** Of the provider. */
  answer?: () => TransportResponse;
  getSession?: () => TransportResponse;
  getUserAttributes?: () => TransportResponse;
  /** Calls before the one that counts: one after the other, or with `wait` all at once. */
  calls?: number;
  /** Milliseconds that pass while the calls wait. */
  wait?: number;
}

const json = (status: number, body: unknown, headers = {}) =>
  response(status, body, { "content-type": "application/json", ...headers });
const failing = (failure: TransportFailure) => () => {
  throw new TransportError(failure);
};
/** What the file has in every case. */
const FILE = {
  nextauth: { url: NEXTAUTH, apikey: { env: "NEXTAUTH_APIKEY" }, serverid: "c2VydmVyLTE=" },
  signing: {
    issuer: ISSUER,
    keys: [{ kid: "a", alg: "ES256", private_key: { env: "SIGNING_KEY" } }],
  },
  webnonce_exchange: { rate_limit: { per_webnonce: { limit: 100 } } },
};
const form = (fields: object) => new URLSearchParams({ grant_type: "authorization_code", code: NONCE, ...fields });
const FORM = { "x-apikey": undefined, "x-nonce": undefined, "content-type": "application/x-www-form-urlencoded" };
const REQUESTS: Record<string, SentCall> = {
  [GET_TOKEN]: {},
  [EXCHANGE]: { path: "/token", headers: FORM, body: String(form({})) },
};

const error =
  (status: number, code: string, headers = {}) =>
  () =>
    json(status, { error: code }, headers);
const UNFINISHED = { sent: { body: "never ends" }, wait: 3_000 };
const awaitsBody = { deps: { inbound: { ...workerInbound, awaitsBody: () => true } } };
const PHONE = { provider: { params: { phone: "{{attributes.phone}}" } } };
const SHORT = { timeout: "1s" };

/** An error of the step before the token request. */
const throwing = (code: string, facts = {}): Case => {
  const intent = async () => {
    throw new TokenProxyError(code as ErrorCode, "said by a fake", facts);
  };
  return { deps: { audit: { sha256, intent, result: () => {} } } };
};

type Code = Exclude<ErrorCode, "caller_gone">;

/** How each code comes about. */
const ERRORS: Record<Code, Case> = {
  call_too_large: { sent: { body: "a".repeat(65_537) } },
  call_invalid: { sent: { body: "{" } },
  call_timeout: UNFINISHED,
  call_deadline: { file: { get_token: SHORT, webnonce_exchange: SHORT }, answer: failing("timeout") },
  method_not_allowed: { sent: { method: "PUT" } },
  not_found: { only: GET_TOKEN, sent: { path: "/nothing" } },
  no_route: {
    only: GET_TOKEN,
    file: { routes: [{ serverid: "other", provider: "main" }], webnonce_exchange: { provider: "main" } },
  },
  session_not_logged_in: { getSession: () => json(200, { loggedin: false }) },
  session_check_failed: { getSession: () => json(500, {}) },
  session_check_timeout: { getSession: failing("timeout") },
  attribute_missing: PHONE,
  attributes_failed: { ...PHONE, getUserAttributes: () => json(500, {}) },
  attributes_timeout: { ...PHONE, getUserAttributes: failing("timeout") },
  rate_limited: { ...UNFINISHED, ...awaitsBody, calls: 1_024 },
  signing_failed: throwing("signing_failed"), // no Signer can be passed here
  client_assertion_unusable: {
    provider: {
      token_endpoint_auth_method: "private_key_jwt",
      client_secret: undefined,
      client_assertion: { file: "/gone", aud: "https://idp.example" },
    },
  },
  provider_rejected_proxy: { answer: error(401, "invalid_client") },
  provider_wrong_endpoint: { answer: error(404, "") },
  provider_busy: { answer: error(429, "slow_down", { "retry-after": "7" }) },
  provider_error: { answer: error(500, "server_error") },
  provider_redirected: { answer: () => response(302, "", { location: "/login" }) },
  provider_not_json: { answer: () => response(200, "<html>") },
  provider_no_token: { answer: () => json(200, {}) },
  provider_too_large: { answer: failing("too_large") },
  provider_truncated: { answer: failing("truncated") },
  provider_wrong_subject: { provider: { expect_subject: "access_token.sub" } },
  provider_wrong_audience: { provider: { expect_audience: "https://api.bank.example" } },
  provider_wrong_scope: {
    provider: { expect_scope: "accounts" },
    answer: () => json(200, { access_token: "a", scope: "other" }),
  },
  provider_wrong_lifetime: { provider: { expect_max_lifetime: "1s" } },
  provider_forbidden_member: { provider: { forbid_members: ["token_type"] } },
  provider_unreachable: { answer: failing("unreachable") },
  proxy_refused: { answer: failing("proxy_refused") },
  provider_timeout: { provider: SHORT, answer: failing("timeout") },
  provider_suspended: { answer: error(500, "server_error"), calls: 10 },
  audit_failed: throwing("audit_failed", { retryAfter: 5 }),
  overloaded: { deps: { maxInFlight: 0 } },
  internal: {
    answer: () => {
      throw new Error("a bug");
    },
  },
  caller_unauthenticated: { only: GET_TOKEN, sent: { headers: { "x-apikey": undefined } } },
  caller_not_allowed: {
    only: GET_TOKEN,
    file: { callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }], serverids: ["other"] } } },
  },
  session_mismatch: { only: GET_TOKEN, getSession: () => json(200, { loggedin: true, userid: "bob" }) },
  provider_refused_user: {
    only: GET_TOKEN,
    file: { get_token: { answer: { refusals: "own" } } },
    answer: error(400, "invalid_grant"),
  },
  grant_type_unsupported: { only: EXCHANGE, sent: { body: String(form({ grant_type: "password" })) } },
};

/** Responses with the provider's bytes. */
const RELAYED: Case[] = [
  {},
  { answer: () => response(201, TOKEN, { "content-type": "application/vnd.bank+json" }) },
  { answer: error(400, "invalid_grant") },
  { answer: error(403, "access_denied") },
];

function casesOf(operation: string): Case[] {
  if (!(operation in REQUESTS)) return [{}, { sent: { method: "PUT" } }];
  const errors = Object.entries(ERRORS).filter(([, { only = operation }]) => only === operation);
  return [...errors.map(([, one]) => one), ...RELAYED];
}

/** Starts the program with fakes around it, and makes the calls of a case. @returns the last */
async function provoke(operation: string, { sent = {}, calls = 0, wait, ...given }: Case) {
  const { answer = () => json(200, TOKEN), getSession, getUserAttributes, file, deps, ...changes } = given;
  const { createTransport } = fakeProvider(({ url }) => {
    if (!url.startsWith(NEXTAUTH)) return answer();
    if (!url.endsWith("/sessions/")) return getUserAttributes?.() ?? json(200, {});
    return getSession?.() ?? json(200, { loggedin: true, userid: "alice", accountid: 7 });
  });
  const { app } = await buildApp({
    secrets,
    ...changes,
    file: { ...FILE, ...file },
    deps: { createTransport, ...deps },
  });
  const [method = "", path = ""] = operation.split(" ");
  const usual: SentCall = REQUESTS[operation] ?? { method: method.toUpperCase(), path, body: undefined };
  const whole = { ...usual, ...sent, headers: { ...usual.headers, ...sent.headers } };
  const send = async () =>
    readResponse(await app.request(whole.body === "never ends" ? unfinished(whole) : call(whole)));
  if (wait === undefined) for (let i = 0; i < calls; i++) await send();
  const all = Array.from({ length: wait === undefined ? 1 : calls + 1 }, send);
  if (wait !== undefined) await vi.advanceTimersByTimeAsync(wait);
  return (await Promise.all(all)).at(-1) as Answered;
}

function unfinished(sent: SentCall): Request {
  const { url, method, headers } = call({ ...sent, body: undefined });
  const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  return new Request(url, { method, headers, body, duplex: "half" } as RequestInit);
}

describe(OPENAPI_FILE, () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] }));
  afterEach(() => void vi.useRealTimers());

  it.each(operations)("describes exactly what comes back: %s", async (operation) => {
    const found = new Set<string>();
    for (const one of casesOf(operation)) {
      found.add(documentedAs(operation, await provoke(operation, one)));
    }
    expect([...found].toSorted()).toEqual(documented(operation).toSorted());
  });
});

describe(OPENAPI_FILE, () => {
  it("describes this version", () => {
    expect(version).toBe(JSON.parse(readFileSync("package.json", "utf8")).version);
  });

  it("has no fault that redocly finds", async () => {
    const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
    const { stdout } = await run("npx", ["redocly", "lint", "--format=json", OPENAPI_FILE], { env });
    expect(JSON.parse(stdout).totals).toEqual({ errors: 0, warnings: 0, ignored: 0 });
  });
});
