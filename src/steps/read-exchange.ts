// The second door: an app sends its webNonce to a token endpoint as an authorization code (RFC 6749 §4.1.3).

import { TokenProxyError } from "../core/errors.ts";
import type { RateLimiter } from "../core/inbound.ts";
import type { HashText } from "../core/ports.ts";
import { type Call, isFault, readValue } from "../nextauth/values.ts";
import { readForm } from "./read-call.ts";

export interface ExchangeLimits {
  perAddress: RateLimiter;
  perWebNonce: RateLimiter;
}

/**
 * Reads one exchange. `client_id`, `redirect_uri` and `code_verifier` are taken and not looked at: the webNonce reached the app
 * through the SDK, so that there is no front channel which PKCE would protect (nextAuth's guide).
 * @param of the client's address, and the serverid whose webNonces these are
 * @returns the call that it stands for
 * @throws {TokenProxyError} rate_limited, grant_type_unsupported, call_invalid or call_too_large
 */
export async function readExchange(
  request: Request,
  { address, serverid }: { address: string; serverid: string },
  { perAddress, perWebNonce }: ExchangeLimits,
  hashText: HashText,
): Promise<Call> {
  await assertWithin(perAddress, address);
  const form = await readForm(request);
  const grantType = single(form, "grant_type");
  if (grantType === undefined) throw invalid('the request has no "grant_type"');
  if (grantType !== "authorization_code") {
    throw new TokenProxyError(
      "grant_type_unsupported",
      "grant_type must be authorization_code, with a webNonce as its code",
    );
  }
  const code = single(form, "code");
  if (code === undefined) throw invalid('the request has no "code": it is the webNonce');
  const nonce = readValue("nonce", code, false);
  if (isFault(nonce)) throw invalid(`the request's "code" ${nonce.fault}`);
  // Not the webNonce itself: it is a credential, and on Workers the key leaves the isolate.
  await assertWithin(perWebNonce, await hashText(`${serverid}\n${nonce}`));
  return new Map([
    ["serverid", serverid],
    ["nonce", nonce],
  ]);
}

/** RFC 6749 §3.2: a parameter without a value counts as omitted, and none may stand twice. */
function single(form: URLSearchParams, name: string): string | undefined {
  const found = form.getAll(name);
  if (found.length > 1) throw invalid(`the request has "${name}" twice`);
  return found[0] || undefined;
}

async function assertWithin(limiter: RateLimiter, key: string): Promise<void> {
  const retryAfter = await limiter(key);
  if (retryAfter !== undefined)
    throw new TokenProxyError("rate_limited", "too many requests: try again later", { retryAfter });
}

function invalid(message: string): TokenProxyError {
  return new TokenProxyError("call_invalid", message);
}
