// A failed exchange becomes its row of the error table; what is no failure of an exchange stays what it is.

import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError } from "../../src/core/transport.ts";
import { asProviderError } from "../../src/oauth/transport-failure.ts";

it.each([
  ["unreachable", "provider_unreachable", "cannot be reached"],
  ["timeout", "provider_timeout", "did not answer in time"],
  ["truncated", "provider_truncated", "closed the connection in the middle of its answer"],
  ["too_large", "provider_too_large", "sent an answer larger than max_response_bytes"],
  ["malformed", "provider_error", "sent an answer that is not valid HTTP"],
] as const)("an exchange that is %s becomes %s", (failure, code, what) => {
  const cause = new Error("canary");
  const error = asProviderError(new TransportError(failure, cause), "providers.main") as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  expect(error.code).toBe(code);
  expect(error.message).toBe(`the provider "providers.main" ${what}`);
  expect(error.cause).toBe(cause);
});

it.each([new TypeError("a bug"), new TokenProxyError("call_invalid", "m"), "thrown text", undefined])(
  "anything else stays as it is: %s",
  (error) => {
    expect(asProviderError(error, "providers.main")).toBe(error);
  },
);
