// Refuses unknown paths, and methods that a path does not have.

import { TokenProxyError } from "../core/errors.ts";
import type { CallStep } from "./context.ts";

/** Hono routes HEAD to GET, so a binding for GET has to check the method itself. */
export function onlyMethod(method: string, allowed: readonly string[]): CallStep {
  return async (c, next) => {
    if (c.req.method !== method) throw notAllowed(allowed);
    await next();
  };
}

export function methodNotAllowed(allowed: readonly string[]): CallStep {
  return () => Promise.reject(notAllowed(allowed));
}

export const notFound: CallStep = () => {
  throw new TokenProxyError(
    "not_found",
    'there is nothing at this path; getToken is at "get_token.path", which must match exactly',
  );
};

function notAllowed(allowed: readonly string[]): TokenProxyError {
  const allow = allowed.join(", ");
  return new TokenProxyError("method_not_allowed", `allowed on this path: ${allow}`, { allow });
}
