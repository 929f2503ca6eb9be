// What the caller gets for each whole answer of a provider that is neither a token nor a refusal of this user.

import { describe, expect, it } from "vitest";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { type Answer, json, respond, startRecordingProvider } from "../support/recording-provider.ts";

const HTML = `<html><body><h1>Error</h1><p>${MARKER}</p></body></html>`;
const html = (status: number, headers: Record<string, string> = {}): Answer =>
  respond({ status, headers: { "Content-Type": "text/html", ...headers }, body: HTML });
/** An error response of RFC 6749 §5.2. */
const oauthError = (error: unknown, status = 400, headers: Record<string, string> = {}): Answer =>
  json({ error, error_description: MARKER, mfa_token: MARKER }, status, headers);

const MAX_RETRY_AFTER_SECONDS = 3_600;

describe(`what a provider answers on ${RUNTIME}`, () => {
  const proxy = useProxy();

  /** One call that the provider answers so; the provider is asked once and never again. */
  async function expectCode(answer: Answer, code: TableCode) {
    proxy.provider.answer = answer;
    const answered = await proxy.call();
    expectProviderError(answered, code);
    expect(proxy.provider.requests).toHaveLength(1);
    return answered;
  }

  it.each<[string, Answer]>([
    ["a 400 invalid_client", oauthError("invalid_client")],
    ["a 400 unauthorized_client", oauthError("unauthorized_client")],
    ["a 400 unsupported_grant_type", oauthError("unsupported_grant_type")],
    ["a 400 invalid_scope", oauthError("invalid_scope")],
    ["a 400 invalid_target", oauthError("invalid_target")],
    ["a 400 invalid_request", oauthError("invalid_request")],
    ["a 403 unauthorized_client", oauthError("unauthorized_client", 403)],
    ["a 200 invalid_client", oauthError("invalid_client", 200)],
    ["a 401 with an empty body", respond({ status: 401, headers: { "WWW-Authenticate": `Basic realm="${MARKER}"` } })],
    ["a 401 as html", html(401)],
    ["a 401 invalid_client", oauthError("invalid_client", 401)],
    ["a 401 invalid_grant", oauthError("invalid_grant", 401)],
  ])("answers provider_rejected_proxy for %s", async (_what, answer) => {
    await expectCode(answer, "provider_rejected_proxy");
  });

  it.each<[string, Answer]>([
    ["a 429 as json", oauthError("slow_down", 429)],
    ["a 429 as html without Retry-After", html(429)],
    ["a Retry-After that is no time", html(429, { "Retry-After": MARKER })],
    ["a Retry-After that is negative", html(429, { "Retry-After": "-5" })],
    ["a Retry-After that is a date in the past", html(503, { "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT" })],
    ["a Retry-After of 0", html(503, { "Retry-After": "0" })],
  ])("answers provider_busy with a wait of its own for %s", async (_what, answer) => {
    const { headers } = await expectCode(answer, "provider_busy");
    expect(headers["retry-after"]).toMatch(/^[1-9]\d?$/);
  });

  it.each([429, 503])("answers provider_busy with the seconds of Retry-After for a %d", async (status) => {
    const { headers } = await expectCode(oauthError("slow_down", status, { "Retry-After": "17" }), "provider_busy");
    expect(headers["retry-after"]).toBe("17");
  });

  it("turns a Retry-After that is a date into seconds", async () => {
    const date = new Date(Date.now() + 120_000).toUTCString();
    const { headers } = await expectCode(html(503, { "Retry-After": date }), "provider_busy");
    expect(Number(headers["retry-after"])).toBeGreaterThan(100);
    expect(Number(headers["retry-after"])).toBeLessThanOrEqual(121);
  });

  it.each(["86400", "99999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])(
    "cuts a Retry-After of %s to an hour",
    async (retryAfter) => {
      const { headers } = await expectCode(html(429, { "Retry-After": retryAfter }), "provider_busy");
      expect(headers["retry-after"]).toBe(String(MAX_RETRY_AFTER_SECONDS));
    },
  );

  it.each([301, 302, 303, 307, 308])("answers provider_redirected for a %d and sends nothing there", async (status) => {
    const elsewhere = await startRecordingProvider();
    try {
      const answered = await expectCode(
        respond({ status, headers: { Location: `${elsewhere.url}/${MARKER}` }, body: HTML }),
        "provider_redirected",
      );
      expect(answered.headers.location).toBeUndefined();
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it("answers provider_redirected for a redirect within the provider", async () => {
    await expectCode(respond({ status: 307, headers: { Location: "/token" } }), "provider_redirected");
  });

  it.each<[string, Answer]>([
    ["a 500 as html", html(500)],
    ["a 502 as html", html(502)],
    ["a 503 as html without Retry-After", html(503)],
    ["a 504 with an empty body", respond({ status: 504 })],
    ["a 500 that says invalid_grant", oauthError("invalid_grant", 500)],
    ["a 500 with a token", json({ access_token: MARKER }, 500)],
    ["a 400 of json without an error", json({ message: MARKER }, 400)],
    ["a 400 with a token and no error", json({ access_token: MARKER }, 400)],
    ["an error that is a number", oauthError(42)],
    ["an error that is an object", oauthError({ code: "invalid_grant", message: MARKER })],
    ["an error that is a list", oauthError(["invalid_grant"])],
    ["an error that is true", oauthError(true)],
    ["an error that is empty", oauthError("")],
    ["a 200 with an error that is a number", json({ access_token: MARKER, error: 0 })],
  ])("answers provider_error for %s", async (_what, answer) => {
    await expectCode(answer, "provider_error");
  });

  const asJson = (body: string | Buffer, status = 200): Answer =>
    respond({ status, headers: { "Content-Type": "application/json" }, body });
  it.each<[string, Answer]>([
    ["a 204", respond({ status: 204, headers: { "X-Any": "1" } })],
    ["a 200 with an empty body", asJson("")],
    ["a 200 of white space", asJson(" \n")],
    ["an array", asJson(`[{"access_token":"${MARKER}"}]`)],
    ["text", asJson(`"${MARKER}"`)],
    ["a number", asJson("42")],
    ["null", asJson("null")],
    ["true", asJson("true")],
    ["html labelled application/json", asJson(HTML)],
    ["html", html(200)],
    [
      "form-encoded text",
      respond({
        headers: { "Content-Type": "application/x-www-form-urlencoded" },
        body: `access_token=${MARKER}&token_type=bearer`,
      }),
    ],
    ["a bare token as text/plain", respond({ headers: { "Content-Type": "text/plain" }, body: MARKER })],
    ["json that is cut", asJson(`{"access_token":"${MARKER}"`)],
    ["json with more behind it", asJson(`{"access_token":"${MARKER}"}{}`)],
    ["json with a comment", asJson(`{"access_token":"${MARKER}"} // comment`)],
    ["invalid utf-8", asJson(Buffer.from(`{"access_token":"${MARKER}\xff"}`, "latin1"))],
    ["utf-8 that is cut inside a character", asJson(Buffer.from(`{"access_token":"${MARKER}\xe6\x9d"}`, "latin1"))],
    ["utf-16", asJson(Buffer.from(`\ufeff{"access_token":"${MARKER}"}`, "utf16le"))],
    ["a 400 as html", html(400)],
    ["a 403 as html", html(403)],
    ["a 404 as html", html(404)],
    ["a 400 with an empty body", asJson("", 400)],
    ["a 400 of form-encoded text", asJson(`error=invalid_grant&error_description=${MARKER}`, 400)],
  ])("answers provider_not_json for %s", async (_what, answer) => {
    await expectCode(answer, "provider_not_json");
  });

  it.each<[string, object]>([
    ["no access_token", { token_type: "Bearer", id_token: MARKER }],
    ["an access_token that is empty", { access_token: "", id_token: MARKER }],
    ["an access_token that is a number", { access_token: 42, id_token: MARKER }],
    ["an access_token that is null", { access_token: null, id_token: MARKER }],
    ["an access_token that is an object", { access_token: { value: MARKER } }],
    ["an access_token under another name", { accessToken: MARKER, Access_Token: MARKER }],
    ["an access_token further down", { token: { access_token: MARKER } }],
    ["nothing at all", {}],
  ])("answers provider_no_token for a 200 with %s", async (_what, body) => {
    await expectCode(json(body), "provider_no_token");
  });

  it("writes nothing of the provider's body into its log", async () => {
    for (const answer of [
      html(500),
      oauthError("invalid_client"),
      oauthError({ MARKER }),
      json({ id_token: MARKER }),
    ]) {
      proxy.provider.answer = answer;
      await proxy.call();
    }
    proxy.provider.answer = oauthError(MARKER, 403);
    const relayed = await proxy.call();
    expect(relayed.status).toBe(403);
    expect(relayed.text).toContain(MARKER);
    await expect.poll(() => proxy.host.output()).toContain(relayed.headers["x-request-id"]);
    expect(proxy.host.output()).not.toContain(MARKER);
  });
});

describe(`errors that the file reads otherwise on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: (tokenEndpoint: string) => ({
      providers: {
        main: providerConfig(tokenEndpoint),
        lenient: providerConfig(tokenEndpoint, { user_errors: ["invalid_scope", "invalid_target"] }),
        strict: providerConfig(tokenEndpoint, { proxy_errors: ["invalid_grant", "mfa_required"] }),
      },
      routes: [
        { serverid: "lenient", provider: "lenient" },
        { serverid: "strict", provider: "strict" },
        { provider: "main" },
      ],
    }),
  });
  const call = (serverid: string) => proxy.call({ body: { ...CALL, serverid } });

  it("relays what one provider's user_errors name, and no other provider's", async () => {
    const body = '{ "error":"invalid_target" }';
    proxy.provider.answer = json(body, 400);
    expect(await call("lenient")).toMatchObject({ status: 400, text: body });
    expectProviderError(await call("strict"), "provider_rejected_proxy", "providers.strict");
    expectProviderError(await call("other"), "provider_rejected_proxy");
    proxy.provider.answer = oauthError("invalid_client");
    expectProviderError(await call("lenient"), "provider_rejected_proxy", "providers.lenient");
  });

  it("answers provider_rejected_proxy for what one provider's proxy_errors name, and no other provider's", async () => {
    const body = '{ "error":"mfa_required" }';
    proxy.provider.answer = json(body, 403);
    expectProviderError(await call("strict"), "provider_rejected_proxy", "providers.strict");
    expect(await call("lenient")).toMatchObject({ status: 403, text: body });
    expect(await call("other")).toMatchObject({ status: 403, text: body });
    proxy.provider.answer = json(body, 200);
    expectProviderError(await call("strict"), "provider_rejected_proxy", "providers.strict");
  });

  it("answers provider_rejected_proxy for a 401 whatever user_errors name", async () => {
    proxy.provider.answer = oauthError("invalid_scope", 401);
    expectProviderError(await call("lenient"), "provider_rejected_proxy", "providers.lenient");
  });
});
