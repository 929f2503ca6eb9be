// Turns the failure of an exchange with a provider into the error that the caller gets.

import { TokenProxyError } from "../core/errors.ts";
import { TransportError, type TransportFailure } from "../core/transport.ts";

const BY_FAILURE = {
  unreachable: ["provider_unreachable", "cannot be reached"],
  connect_timeout: ["provider_unreachable", "cannot be reached in time"],
  timeout: ["provider_timeout", "did not answer in time"],
  truncated: ["provider_truncated", "broke off its answer"],
  too_large: ["provider_too_large", "answered with more than it may"],
  malformed: ["provider_error", "answered with something that is not proper HTTP"],
} as const satisfies Record<TransportFailure, readonly [string, string]>;

/**
 * @param key the provider's key in the file, as `providers.retail`
 * @returns a TransportError as its row of the table, and anything else as it is
 */
export function exchangeError(error: unknown, key: string): unknown {
  if (!(error instanceof TransportError)) return error;
  const [code, what] = BY_FAILURE[error.failure];
  return new TokenProxyError(code, `the provider "${key}" ${what}`, { cause: error.cause });
}
