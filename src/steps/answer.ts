// The last step: asks the use case for a token and sends the provider's bytes, or our own error.

import { startCallTime } from "../core/call-time.ts";
import { asCallError, ERROR_TABLE, type ErrorTable, statusOf, TokenProxyError } from "../core/errors.ts";
import type { Runtime } from "../core/ports.ts";
import { getToken, type UseCase } from "../get-token.ts";
import type { Binding } from "../nextauth/settings.ts";
import type { Answer } from "../oauth/judge-answer.ts";
import type { CallContext } from "./context.ts";

/** RFC 6749 section 5.1 forbids caching; nosniff keeps browsers from guessing another type. */
const COMMON_HEADERS = {
  "Cache-Control": "no-store",
  Pragma: "no-cache",
  "X-Content-Type-Options": "nosniff",
} as const;

export function answerWithToken(
  { clock, inbound, ...useCase }: UseCase & Pick<Runtime, "clock" | "inbound">,
  { refusals, statuses }: Binding["answer"],
) {
  const refusedStatus = statusOf("provider_refused_user", statuses);
  return async (c: CallContext): Promise<Response> => {
    const call = c.get("call");
    const time = startCallTime(call.limit, inbound.recipient(c.req.raw, c.env), clock);
    const answer = await getToken(useCase, c.get("caller"), { ...call, time });
    c.set("answer", answer);
    if (answer.outcome === "token") return relay(answer, c.get("requestId"));
    if (refusals === "relay") return relay({ ...answer, status: refusedStatus ?? answer.status }, c.get("requestId"));
    const message = `the provider "providers.${c.get("trace").facts.provider}" refuses this user`;
    throw new TokenProxyError("provider_refused_user", message);
  };
}

/** Passes on the body byte for byte and, of the provider's headers, only Content-Type. */
export function relay({ status, contentType, body }: Answer, requestId: string): Response {
  // TypeScript's Response only accepts an ArrayBuffer; no transport returns shared memory.
  return new Response(body as Uint8Array<ArrayBuffer>, {
    status,
    headers: { ...COMMON_HEADERS, "Content-Type": contentType, "X-Request-Id": requestId },
  });
}

export function toErrorResponse(thrown: unknown, c: Pick<CallContext, "get">): Response {
  return errorResponse(asCallError(thrown), c.get("requestId"), c.get("errorTable"));
}

export function errorResponse(error: TokenProxyError, requestId: string, table: ErrorTable = ERROR_TABLE): Response {
  const [status, code] = table[error.code];
  const headers: Record<string, string> = {
    ...COMMON_HEADERS,
    "Content-Type": "application/json",
    "X-Request-Id": requestId,
  };
  if (error.challenge !== undefined) headers["WWW-Authenticate"] = error.challenge;
  if (error.allow !== undefined) headers.Allow = error.allow;
  if (error.retryAfter !== undefined) headers["Retry-After"] = String(error.retryAfter);
  const body = { error: code, error_description: error.message, error_code: error.code, request_id: requestId };
  return new Response(JSON.stringify(body), { status, headers });
}
