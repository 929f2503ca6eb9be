// Turns a failed request to a provider into the error of the call.

import { TokenProxyError } from "../core/errors.ts";
import { TransportError, type TransportFailure } from "../core/transport.ts";

const FAILURES = {
  unreachable: ["provider_unreachable", "cannot be reached"],
  connect_timeout: ["provider_unreachable", "did not accept a connection in time"],
  timeout: ["provider_timeout", "did not answer in time"],
  truncated: ["provider_truncated", "closed the connection in the middle of its answer"],
  too_large: ["provider_too_large", "sent an answer larger than max_response_bytes"],
  malformed: ["provider_error", "sent an answer that is not valid HTTP"],
} as const satisfies Record<TransportFailure, readonly [string, string]>;

/**
 * @param key the provider's key in the file, like `providers.retail`
 * @returns the call's error for a TransportError; any other error unchanged
 */
export function asProviderError(error: unknown, key: string): unknown {
  if (!(error instanceof TransportError)) return error;
  const [code, what] = FAILURES[error.failure];
  return new TokenProxyError(code, `the provider "${key}" ${what}`, { cause: error.cause });
}
