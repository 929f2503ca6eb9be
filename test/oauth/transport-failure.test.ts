// A failed request to a provider becomes an error of the call.

import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError } from "../../src/core/transport.ts";
import { asProviderError } from "../../src/oauth/judge-answer.ts";

it.each([
  ["unreachable", "provider_unreachable", "cannot be reached"],
  ["proxy_refused", "proxy_refused", "was not reached: the egress proxy refuses; allow its host there, or check proxy"],
  ["connect_timeout", "provider_unreachable", "did not accept a connection in time"],
  ["timeout", "provider_timeout", "did not answer in time"],
  ["late", "provider_timeout", "could not answer in time, because this proxy was paused"],
  ["truncated", "provider_truncated", "closed the connection in the middle of its answer"],
  ["too_large", "provider_too_large", "sent an answer that is larger than its max_response_bytes"],
  ["malformed", "provider_error", "sent an answer that is not valid HTTP"],
] as const)("%s becomes %s, with the cause", (failure, code, what) => {
  const cause = new Error("canary");
  const error = asProviderError(new TransportError(failure, cause), "providers.main");
  expect(error).toBeInstanceOf(TokenProxyError);
  const detail = failure === "late" ? { late: "process paused" } : {};
  expect(error).toMatchObject({ code, message: `the provider "providers.main" ${what}`, cause, detail });
});

it.each([new TypeError("a bug"), new TokenProxyError("call_invalid", "m"), undefined])(
  "returns anything else unchanged: %s",
  (error) => {
    expect(asProviderError(error, "providers.main")).toBe(error);
  },
);
