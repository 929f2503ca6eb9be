// Anything that is thrown has a row of the error table. The rows themselves are compared with docs/http-api.md.

import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { asCallError, ERROR_TABLE, EXCHANGE_ERROR_TABLE } from "../../src/steps/error-table.ts";

it("differs for an exchange only in session_not_logged_in", () => {
  const changed = { ...ERROR_TABLE, session_not_logged_in: [400, "invalid_grant"] };
  expect(EXCHANGE_ERROR_TABLE).toEqual(changed);
});

it("returns a TokenProxyError unchanged", () => {
  const error = new TokenProxyError("call_invalid", "m");
  expect(asCallError(error)).toBe(error);
});

it.each([new TypeError("canary"), "canary", undefined, null, { code: "call_invalid" }])(
  "turns anything else into an internal error with a fixed message: %s",
  (thrown) => {
    const { code, message, cause } = asCallError(thrown);
    expect([code, message]).toEqual(["internal", "the proxy failed; its log has the reason under this request_id"]);
    expect(cause).toBe(thrown);
  },
);
