// Refuses unknown paths, and methods that a path does not have.

import { TokenProxyError } from "../core/errors.ts";
import type { CallStep } from "./context.ts";

/** Hono routes HEAD to GET, so a binding for GET has to check the method itself. */
export function onlyMethod(method: string, allowed: readonly string[]): CallStep {
  const refuse = methodNotAllowed(allowed);
  return (c, next) => (c.req.method === method ? next() : refuse(c, next));
}

export function methodNotAllowed(allowed: readonly string[]): CallStep {
  const allow = allowed.join(", ");
  return () => {
    throw new TokenProxyError("method_not_allowed", `allowed on this path: ${allow}`, { allow });
  };
}

export const notFound: CallStep = () => {
  const message = 'there is nothing at this path; getToken is at "get_token.path", which must match exactly';
  throw new TokenProxyError("not_found", message);
};
