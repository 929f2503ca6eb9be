// A response is the provider's bytes or our own error, and no cache may keep it.

import { describe, expect, it } from "vitest";
import { EXCHANGE_ERROR_TABLE, TokenProxyError } from "../../src/core/errors.ts";
import { errorResponse, relay } from "../../src/steps/answer.ts";

const COMMON = {
  "cache-control": "no-store",
  pragma: "no-cache",
  "x-content-type-options": "nosniff",
  "x-request-id": "r-1",
};
const headersOf = ({ headers }: Response) => Object.fromEntries(headers);

it("relays the provider's status, Content-Type and bytes, and no other header", async () => {
  const body = Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x20, 0x7d, 0x0a);
  const contentType = "application/json;charset=UTF-8";
  const response = relay({ outcome: "token", status: 201, contentType, providerStatus: 201, body }, "r-1");
  expect(response.status).toBe(201);
  expect(headersOf(response)).toEqual({ ...COMMON, "content-type": contentType });
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(body);
});

describe("an error response", () => {
  it("has the status and error of the table, the description, the code and the request id", async () => {
    const response = errorResponse(new TokenProxyError("no_route", "what to do"), "r-1");
    expect(response.status).toBe(404);
    expect(headersOf(response)).toEqual({ ...COMMON, "content-type": "application/json" });
    expect(await response.text()).toBe(
      '{"error":"invalid_target","error_description":"what to do","error_code":"no_route","request_id":"r-1"}',
    );
  });

  it("has invalid_grant in an exchange if the session is not logged in", async () => {
    const response = errorResponse(new TokenProxyError("session_not_logged_in", "m"), "r-1", EXCHANGE_ERROR_TABLE);
    expect([response.status, await response.json()]).toMatchObject([400, { error: "invalid_grant" }]);
  });

  it("has Retry-After, Allow or WWW-Authenticate if the error has it", () => {
    const options = { retryAfter: 7, allow: "GET, POST", challenge: 'X-apikey realm="getToken"' };
    expect(headersOf(errorResponse(new TokenProxyError("overloaded", "m", options), "r-1"))).toMatchObject({
      "retry-after": "7",
      allow: "GET, POST",
      "www-authenticate": 'X-apikey realm="getToken"',
    });
  });

  it("contains neither cause nor detail", async () => {
    const inside = { cause: new Error("canary"), detail: { provider_error: "canary" } };
    expect(await errorResponse(new TokenProxyError("internal", "m", inside), "r").text()).not.toContain("canary");
  });
});
