// Every call gets one log line and one report, also after an unexpected error.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Runtime } from "../../src/core/ports.ts";
import { buildApp, call, type SentCall, TOKEN } from "../support/app.ts";
import { hashText, response } from "../support/fakes.ts";

describe("the report of a call", () => {
  it("has the call's route, caller, provider, outcome and durations", async () => {
    const { app, upstream, clock, reports, lines } = await buildApp();
    upstream.answer = () => {
      clock.advance(42.25);
      return response(200, TOKEN);
    };
    const answer = await app.request(call({ headers: { "content-length": "60" } }));
    expect(reports).toEqual([
      {
        request_id: answer.headers.get("x-request-id"),
        method: "POST",
        route: "/getToken",
        caller: "nextauth-server",
        provider: "main",
        outcome: "token",
        status: 200,
        provider_status: 200,
        attempts: 1,
        duration_ms: 42.25,
        durations: { provider: 42.25 },
        call_bytes: 60,
        bytes: TOKEN.length,
      },
    ]);
    const identity = expect.stringMatching(/^[0-9a-f]{16}$/);
    expect(lines).toMatchObject([{ level: "info", event: "call", fields: { user: identity, session: identity } }]);
  });

  it("joins the trace of a caller only on a route that authenticates callers", async () => {
    const { app, reports } = await buildApp();
    const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-01` };
    await app.request(call({ headers }));
    await app.request(call({ headers, path: "/unknown" }));
    expect(reports.map(({ trace_id }) => trace_id)).toEqual([trace, undefined]);
  });
});

it.each(["relay", "own"])("a refusal of the user counts as one with refusals: %s", async (refusals) => {
  const { app, upstream, reports, lines } = await buildApp({ file: { get_token: { answer: { refusals } } } });
  upstream.answer = () => response(400, { error: "invalid_grant" });
  await app.request(call());
  const seen = { outcome: "refused", error_code: undefined, provider_status: 400, provider_error: "invalid_grant" };
  expect(reports).toEqual([expect.objectContaining(seen)]);
  const ownCode = refusals === "own" ? "provider_refused_user" : undefined;
  expect(lines).toEqual([
    { level: "info", event: "call", fields: expect.objectContaining({ outcome: "refused", provider_status: 400 }) },
  ]);
  expect(lines[0]?.fields.error_code).toBe(ownCode);
});

async function whole(answer: Response) {
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

it.each<[SentCall, object]>([
  [{ path: "/x" }, { error_code: "not_found", route: "", caller: undefined }],
  [{ method: "PUT" }, { error_code: "method_not_allowed", route: "/getToken", caller: undefined }],
  [{ headers: { "x-apikey": "x" } }, { error_code: "caller_unauthenticated", caller: undefined }],
  [{ body: {} }, { error_code: "call_invalid", caller: "nextauth-server", provider: undefined }],
  [{ headers: { "x-nonce": undefined } }, { error_code: "call_invalid", provider: "main" }],
])("the log line of a call with %j says how far it came: %j", async (sent, fields) => {
  const { app, lines } = await buildApp();
  await app.request(call(sent));
  const ofCalls = lines.filter(({ event }) => event === "call");
  expect(ofCalls).toEqual([{ level: "warn", event: "call", fields: expect.objectContaining(fields) }]);
});

describe("an unexpected error", () => {
  const CANARY = "Zq7xWv4kPj";
  const INTERNAL = {
    status: 500,
    headers: { "cache-control": "no-store", "content-type": "application/json", "x-request-id": "uuid-1" },
    body: '{"error":"server_error","error_description":"the proxy failed; its log has the reason under this request_id","error_code":"internal","request_id":"uuid-1"}',
  };

  const printed: unknown[] = [];
  beforeEach(() => {
    printed.length = 0;
    // Hono prints an error that nobody handles.
    vi.spyOn(console, "error").mockImplementation((...values: unknown[]) => void printed.push(...values.map(String)));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const bug = new TypeError(`${CANARY} is not a function`);
  const fail = () => {
    throw bug;
  };
  const rejecting = (thrown: unknown) => ({ createTransport: () => () => Promise.reject(thrown) });
  /** Works once, while the app is built. */
  const failingHash = vi.fn<Runtime["hashText"]>(fail).mockImplementationOnce(hashText);

  it.each<[string, Partial<Runtime>, string?]>([
    ["an error of the transport", rejecting(bug), "TypeError"],
    ["an error of the hash", { hashText: failingHash }, "TypeError"],
    ["text that is thrown", rejecting(CANARY), "thrown string"],
    ["a symbol that is thrown", rejecting(Symbol(CANARY)), "thrown symbol"],
    ["undefined that is thrown", rejecting(undefined)],
  ])("gets a 500 and a log line without its message: %s", async (_, deps, cause) => {
    const { app, lines } = await buildApp({ deps });
    expect(await whole(await app.request(call()))).toMatchObject(INTERNAL);
    const fields = { request_id: "uuid-1", outcome: "error", error_code: "internal" };
    expect(lines).toEqual([{ level: "error", event: "call", fields: expect.objectContaining(fields) }]);
    expect(lines[0]?.fields.cause).toBe(cause);
    expect(JSON.stringify([lines, printed])).not.toContain(CANARY);
  });

  it("in the log still gets an error response of ours", async () => {
    const { app } = await buildApp({ deps: { log: fail } });
    const answer = await whole(await app.request(call()));
    expect(JSON.stringify([answer, printed])).not.toContain(CANARY);
    expect(answer.headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
  });
});
