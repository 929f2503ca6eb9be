// Reads an exchange: an app sends its webNonce as a code (RFC 6749 section 4.1.3).

import { TokenProxyError } from "../core/errors.ts";
import { textOf, type Values } from "../core/values.ts";
import type { ExchangeSettings } from "../nextauth/settings.ts";
import { isFault, readValue, type ValueRule } from "../nextauth/values.ts";
import { invalid, type ReadBody, readForm } from "./body.ts";
import type { CallStep } from "./context.ts";
import { singleParameter } from "./read-call.ts";

export function readExchange(
  readBody: ReadBody,
  serverid: string,
  { provider, timeout }: ExchangeSettings,
  useridRule: ValueRule | undefined,
): CallStep {
  const limit = { key: "webnonce_exchange.timeout", ms: timeout };
  return async (c, next) => {
    const trace = c.get("trace");
    const values = await readExchangeValues(await readForm(c.req.raw, () => readBody(c)), serverid);
    trace.note({ nonce: textOf(values, "nonce") });
    c.set("caller", { serverids: undefined }); // the session check replaces authentication
    c.set("call", { values, session: "verify", useridRule, provider, limit, trace });
    await next();
  };
}

/**
 * client_id, redirect_uri and code_verifier are ignored: the webNonce reaches the app through the
 * SDK, so there is no front channel for PKCE to protect. An empty parameter counts as omitted
 * (RFC 6749 section 3.2).
 * @throws {TokenProxyError} grant_type_unsupported or call_invalid
 */
export function readExchangeValues(form: URLSearchParams, serverid: string): Values {
  const grantType = singleParameter(form, "grant_type");
  if (!grantType) throw invalid('the request has no "grant_type"');
  if (grantType !== "authorization_code") {
    const message = "grant_type must be authorization_code, with the webNonce as code";
    throw new TokenProxyError("grant_type_unsupported", message);
  }
  const code = singleParameter(form, "code");
  if (!code) throw invalid('the request has no "code", which must be the webNonce');
  const nonce = readValue("nonce", code, false);
  if (isFault(nonce)) throw invalid(`the request's "code" ${nonce.fault}`);
  return new Map(Object.entries({ serverid, nonce }));
}
