// One readable line for each line of the log: what happened, why, and nothing that looks like more.

import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { readableLine } from "../../src/node/log-line.ts";

const CALL = {
  time: "2026-11-24T22:04:11.120Z",
  ...{ request_id: "r-1", method: "POST", route: "/getToken", caller: "ns", provider: "retail" },
  ...{ outcome: "token", status: 200, provider_status: 200, attempts: 1, duration_ms: 48.2, provider_ms: 41 },
  ...{ call_bytes: 82, bytes: 1312, delivered: true, user: "9f0c6cfdc26d1e34", session: "04a7d2b1c6a80c1f" },
};
const FAILED = { ...CALL, outcome: "error", status: 502, provider_status: 401, error_code: "provider_rejected_proxy" };

/** Without the time, which is local. */
function read(fields: object, level = "info", event = "call", isColoured = false): string {
  const line = readableLine(`${JSON.stringify({ level, ...fields, event })}\n`, isColoured);
  expect(stripVTControlCharacters(line)).toMatch(/^\d\d:\d\d:11\.120 .*\n$/);
  return line.slice(13, -1);
}

describe("the line of a call", () => {
  it("has method, path, outcome, status, provider, duration and request id, and no measurements", () => {
    expect(read(CALL)).toBe("INFO  POST /getToken token 200 retail 48.2 ms r-1 caller=ns user=9f0c6cfdc26d1e34");
  });

  it("says that a response was not delivered", () => {
    expect(read({ ...CALL, delivered: false })).toContain(" delivered=false ");
  });

  it("has the error code, the reason, the provider's words and the advice", () => {
    const words = { provider_error: "invalid_client", provider_error_description: "Client not found" };
    const reason = 'the provider "providers.retail" rejects this proxy';
    expect(read({ ...FAILED, reason, ...words, advice: 'check "client_id"', cause: "ECONNRESET" }, "error")).toBe(
      'ERROR POST /getToken provider_rejected_proxy 502 retail 48.2 ms r-1 - the provider "providers.retail" rejects this proxy ' +
        "caller=ns provider_status=401 user=9f0c6cfdc26d1e34 provider_error=invalid_client " +
        'provider_error_description="Client not found" advice="check \\"client_id\\"" cause=ECONNRESET',
    );
  });

  it("has a place for what an unknown path lacks", () => {
    const { method, provider, provider_status, caller, user, ...others } = FAILED;
    expect(read({ ...others, route: "", error_code: "not_found", status: 404 }, "warn")).toBe(
      "WARN  - (unknown path) not_found 404 - 48.2 ms r-1",
    );
  });
});

it("other events have all their fields, and several faults in one line", () => {
  const fields = { time: CALL.time, delay_ms: 5_000, reason: 'a.yaml:1:2 "x" wrong\n1 fault', tls: true };
  expect(read(fields, "error", "not reloaded")).toBe(
    'ERROR not reloaded - a.yaml:1:2 "x" wrong; 1 fault delay_ms=5000 tls=true',
  );
});

it("text of others cannot look like another line or field, or control a terminal", () => {
  const hostile = 'a\n22:04:11 INFO \u001b[31m\u009b\u202e"x" outcome=token';
  const line = read({ ...FAILED, user: hostile, provider_error_description: hostile, reason: hostile }, "error");
  expect(line).toMatch(/^[\x20-\x7e]+$/);
  expect(line).toContain('user="a\\n22:04:11 INFO \\u001b[31m\\u{9b}\\u{202e}\\"x\\" outcome=token"');
});

it("is the same with colours, which end where they begin", () => {
  const plain = read(FAILED, "error");
  const coloured = readableLine(JSON.stringify({ level: "error", ...FAILED, event: "call" }), true);
  expect(stripVTControlCharacters(coloured).slice(13, -1)).toBe(plain);
  expect(coloured).toContain("\u001b[31mERROR\u001b[39m");
});
