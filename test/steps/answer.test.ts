// What goes back is the provider's bytes or an error of our own, always with the headers that keep it out of caches.

import { describe, expect, it } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import { errorResponse, relay } from "../../src/steps/answer.ts";

const COMMON = { "cache-control": "no-store", pragma: "no-cache", "x-content-type-options": "nosniff" };
const headersOf = ({ headers }: Response) => Object.fromEntries(headers);

describe("the provider's answer", () => {
  const answer = {
    outcome: "token",
    status: 200,
    contentType: "application/json;charset=UTF-8",
    providerStatus: 200,
  } as const;

  it("has its status, its type and its bytes, and no other header of its own", async () => {
    const body = Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x20, 0x7d, 0x0a);
    const response = relay({ ...answer, status: 201, body }, "r-1");
    expect(response.status).toBe(201);
    expect(headersOf(response)).toEqual({
      ...COMMON,
      "content-type": "application/json;charset=UTF-8",
      "x-request-id": "r-1",
    });
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
  });
});

describe("an error", () => {
  it.each<[ErrorCode, number, string]>([
    ["caller_unauthenticated", 401, "invalid_client"],
    ["caller_not_allowed", 403, "access_denied"],
    ["call_too_large", 413, "invalid_request"],
    ["call_invalid", 400, "invalid_request"],
    ["method_not_allowed", 405, "invalid_request"],
    ["not_found", 404, "invalid_request"],
    ["no_route", 404, "invalid_target"],
    ["provider_rejected_proxy", 502, "server_error"],
    ["provider_busy", 503, "temporarily_unavailable"],
    ["provider_error", 502, "server_error"],
    ["provider_redirected", 502, "server_error"],
    ["provider_not_json", 502, "server_error"],
    ["provider_no_token", 502, "server_error"],
    ["provider_too_large", 502, "server_error"],
    ["provider_truncated", 502, "server_error"],
    ["provider_wrong_subject", 502, "server_error"],
    ["provider_unreachable", 502, "server_error"],
    ["provider_timeout", 504, "server_error"],
    ["internal", 500, "server_error"],
  ])("of code %s is a %i with %s", async (code, status, error) => {
    const challenge = status === 401 ? { challenge: 'X-apikey realm="getToken"' } : {};
    const response = errorResponse(new TokenProxyError(code, "what to do", challenge), "r-1");
    expect(response.status).toBe(status);
    expect(headersOf(response)).toEqual({
      ...COMMON,
      "content-type": "application/json",
      "x-request-id": "r-1",
      ...(status === 401 ? { "www-authenticate": 'X-apikey realm="getToken"' } : {}),
    });
    expect(await response.text()).toBe(
      `{"error":"${error}","error_description":"what to do","error_code":"${code}","request_id":"r-1"}`,
    );
  });

  it("says when to come back, and which method to use, where it knows", () => {
    const busy = errorResponse(new TokenProxyError("provider_busy", "m", { retryAfter: 7 }), "r");
    expect(busy.headers.get("retry-after")).toBe("7");
    const wrong = errorResponse(new TokenProxyError("method_not_allowed", "m", { allow: "POST" }), "r");
    expect(wrong.headers.get("allow")).toBe("POST");
  });

  it("tells neither cause nor detail", async () => {
    const error = new TokenProxyError("internal", "m", {
      cause: new Error("canary"),
      detail: { provider_error: "canary" },
    });
    expect(await errorResponse(error, "r").text()).not.toContain("canary");
  });
});
