// A token endpoint's answer is judged by status and members: a token, a no for this user, or a failure of this proxy.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { TransportResponse } from "../../src/core/transport.ts";
import { type ErrorRules, isClientAccepted, isClientRejected, judgeAnswer } from "../../src/oauth/judge-answer.ts";
import { NOW, response } from "../support/fakes.ts";

const NO_RULES: ErrorRules = { user_errors: [], proxy_errors: [] };
const TOKEN = { access_token: "t", token_type: "Bearer" };

const judge = (answer: TransportResponse, rules = NO_RULES) => judgeAnswer(answer, rules, "providers.main", NOW);

function failure(answer: TransportResponse, rules = NO_RULES): TokenProxyError {
  try {
    judge(answer, rules);
  } catch (error) {
    if (error instanceof TokenProxyError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a token", () => {
  it.each([200, 201, 202, 299])("is what a %i with an access_token holds", (status) => {
    const answer = response(status, TOKEN, { "content-type": "application/json" });
    expect(judge(answer)).toEqual({
      outcome: "token",
      status,
      providerStatus: status,
      contentType: "application/json",
      body: answer.body,
    });
  });

  it.each([
    ["odd spacing and a line break at the end", '{ "access_token" :\t"t" }\n'],
    ["escapes", '{"access_token":"\\u0074"}'],
    ["a number over 2^53", '{"access_token":"t","id":9007199254740993}'],
    ["duplicate members", '{"access_token":"a","access_token":"b"}'],
    ["a byte order mark", '\ufeff{"access_token":"t"}'],
    ["an error of null", '{"access_token":"t","error":null}'],
    ["expires_in as text", '{"access_token":"t","expires_in":"3600","token_type":"N_A"}'],
    ["a member __proto__ with an error", '{"access_token":"t","__proto__":{"error":"x"}}'],
    ["text that is not ASCII", '{"access_token":"t","name":"é😀"}'],
  ])("keeps its very bytes with %s", (_, text) => {
    const answer = response(200, text);
    const copy = Uint8Array.from(answer.body);
    const judged = judge(answer);
    expect(judged.outcome).toBe("token");
    expect(judged.body).toBe(answer.body);
    expect(judged.body).toEqual(copy);
  });
});

describe("a no for this user", () => {
  it.each([
    [400, "invalid_grant", 400],
    [403, "access_denied", 403],
    [400, "interaction_required", 400],
    [400, "login_required", 400],
    [400, "consent_required", 400],
    [403, "mfa_required", 403],
    [200, "access_denied", 403],
    [201, "access_denied", 403],
    [404, "access_denied", 404],
    [409, "access_denied", 409],
  ])("is a %i with the error %s, passed on as %i", (status, error, relayed) => {
    const answer = response(status, { error, error_description: "no" }, { "content-type": "application/json" });
    expect(judge(answer)).toEqual({
      outcome: "refused",
      status: relayed,
      providerStatus: status,
      providerError: error,
      contentType: "application/json",
      body: answer.body,
    });
  });

  it("wins over an access_token beside the error", () => {
    expect(judge(response(200, { ...TOKEN, error: "access_denied" }))).toMatchObject({
      outcome: "refused",
      status: 403,
    });
  });

  it.each(["User 4711 is locked", "some_vendor_error", "alice", "INVALID", "a".repeat(65), "é", "x\ny", "1a"])(
    "is logged as unregistered where the error is no registered code: %j",
    (error) => {
      expect(judge(response(400, { error }))).toMatchObject({ outcome: "refused", providerError: "unregistered" });
    },
  );
});

describe("a refusal of this proxy", () => {
  const REJECTED =
    'the provider "providers.main" rejects this proxy: check its client_id, client_secret, token_endpoint_auth_method, grant_type, scope and params';

  it.each([
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_request",
  ])("is the error %s with any status", (error) => {
    for (const status of [200, 400, 403]) {
      const { code, message, detail } = failure(response(status, { error }));
      expect({ code, message, detail }).toEqual({
        code: "provider_rejected_proxy",
        message: REJECTED,
        detail: { provider_status: status, provider_error: error },
      });
    }
  });

  it.each([
    ["any error", { error: "invalid_grant" }, "invalid_grant"],
    ["an error of its own", { error: "alice is locked" }, "unregistered"],
    ["an error that is no text", { error: 401 }, undefined],
    ["no body", "", undefined],
    ["a body that is not JSON", "<html>", undefined],
    ["even a token", TOKEN, undefined],
  ])("is a 401 with %s", (_, body, provider_error) => {
    const error = failure(response(401, body), { user_errors: ["invalid_grant"], proxy_errors: [] });
    expect(error.code).toBe("provider_rejected_proxy");
    expect(error.detail).toEqual({ provider_status: 401, ...(provider_error === undefined ? {} : { provider_error }) });
  });
});

it("a refusal of the client's credentials is told from all other failures", () => {
  const refusals = [
    response(401, { error: "invalid_client" }),
    response(400, { error: "invalid_client" }),
    response(401, { error: "invalid_token" }),
    response(401, ""),
    response(400, { error: "unauthorized_client" }),
    response(500, { error: "invalid_client" }),
  ];
  expect(refusals.map((answer) => isClientRejected(failure(answer)))).toEqual([true, true, false, false, false, false]);
  expect(refusals.map((answer) => isClientAccepted(failure(answer)))).toEqual([
    false,
    false,
    false,
    false,
    true,
    false,
  ]);
  const [timeout, subject] = (["provider_timeout", "provider_wrong_subject"] as const).map(
    (code) => new TokenProxyError(code, "m"),
  );
  expect([timeout, subject, new Error("a bug")].map(isClientAccepted)).toEqual([false, true, false]);
  expect(
    isClientRejected(Object.assign(new Error("invalid_client"), { detail: { provider_error: "invalid_client" } })),
  ).toBe(false);
});

describe("the file's rules", () => {
  const rules = { user_errors: ["invalid_request", "invalid_target"], proxy_errors: ["invalid_grant", "Vendor Error"] };

  it.each(["invalid_request", "invalid_target"])("make %s a no for this user", (error) => {
    expect(judge(response(400, { error }), rules)).toMatchObject({
      outcome: "refused",
      status: 400,
      providerError: error,
    });
  });

  it.each([
    ["invalid_grant", "invalid_grant"],
    ["Vendor Error", "unregistered"],
  ])("make %s a refusal of this proxy", (error, logged) => {
    expect(failure(response(400, { error }), rules)).toMatchObject({
      code: "provider_rejected_proxy",
      detail: { provider_error: logged },
    });
  });

  it("leave all other errors as they are", () => {
    expect(failure(response(400, { error: "invalid_client" }), rules).code).toBe("provider_rejected_proxy");
    expect(judge(response(400, { error: "access_denied" }), rules).outcome).toBe("refused");
  });
});

describe("a failure", () => {
  const NOT_JSON = "sent an answer that is not a JSON object";
  const REDIRECTED = "answered with a redirect, which is never followed: correct its token_endpoint";
  it.each<[string, TransportResponse, string, string]>([
    ["a 500", response(500, { error: "invalid_grant" }), "provider_error", "answered with status 500"],
    ["a 502 of a load balancer", response(502, "<html>"), "provider_error", "answered with status 502"],
    ["a 503 without Retry-After", response(503, ""), "provider_error", "answered with status 503"],
    ["a 302", response(302, "", { location: "https://evil.example" }), "provider_redirected", REDIRECTED],
    ["a 304", response(304, ""), "provider_redirected", REDIRECTED],
    ["a 307", response(307, TOKEN), "provider_redirected", REDIRECTED],
    ["no body", response(200, ""), "provider_not_json", NOT_JSON],
    ["a 205", response(205, TOKEN), "provider_error", "answered with status 205"],
    ["a 204", response(204, ""), "provider_not_json", NOT_JSON],
    [
      "HTML called JSON",
      response(200, "<html>", { "content-type": "application/json" }),
      "provider_not_json",
      NOT_JSON,
    ],
    ["a form", response(200, "access_token=t&token_type=bearer"), "provider_not_json", NOT_JSON],
    ["a list", response(200, [TOKEN]), "provider_not_json", NOT_JSON],
    ["a text", response(200, '"t"'), "provider_not_json", NOT_JSON],
    ["a number", response(200, "1"), "provider_not_json", NOT_JSON],
    ["null", response(200, "null"), "provider_not_json", NOT_JSON],
    ["JSON that is cut off", response(200, '{"access_token":"t"'), "provider_not_json", NOT_JSON],
    [
      "bytes that are not UTF-8",
      response(200, Buffer.from('{"access_token":"\xe9"}', "latin1")),
      "provider_not_json",
      NOT_JSON,
    ],
    ["a 404 in HTML", response(404, "<html>"), "provider_not_json", NOT_JSON],
    [
      "a 400 without an error",
      response(400, { message: "no" }),
      "provider_error",
      "answered with status 400 but no error code",
    ],
    ["a 400 with a token", response(400, TOKEN), "provider_error", "answered with status 400 but no error code"],
    [
      "an error that is an object",
      response(400, { error: { code: 1 } }),
      "provider_error",
      "sent an error that is not a text",
    ],
    [
      "an error that is empty",
      response(200, { ...TOKEN, error: "" }),
      "provider_error",
      "sent an error that is not a text",
    ],
    [
      "an error that is false",
      response(200, { ...TOKEN, error: false }),
      "provider_error",
      "sent an error that is not a text",
    ],
    ["no access_token", response(200, { token_type: "Bearer" }), "provider_no_token", "sent no access_token"],
    ["an empty access_token", response(200, { access_token: "" }), "provider_no_token", "sent no access_token"],
    [
      "an access_token that is no text",
      response(200, { access_token: 1 }),
      "provider_no_token",
      "sent no access_token",
    ],
    [
      "an inherited access_token",
      response(200, '{"__proto__":{"access_token":"t"}}'),
      "provider_no_token",
      "sent no access_token",
    ],
  ])("is %s", (_, answer, code, what) => {
    const error = failure(answer);
    expect(error.code).toBe(code);
    expect(error.message).toBe(`the provider "providers.main" ${what}`);
    expect(error.detail).toEqual({ provider_status: answer.status });
    expect(error.retryAfter).toBeUndefined();
  });

  it("never repeats what the provider sent", () => {
    const canary = "Zq7xWv4kPj";
    for (const status of [200, 302, 400, 401, 429, 500, 503]) {
      for (const body of [canary, { message: canary }, { error: { canary } }, { error: "invalid_client", canary }]) {
        const error = failure(
          response(status, body, { "retry-after": canary, location: canary, "content-type": canary }),
        );
        expect(JSON.stringify([error.message, error.detail, error.cause ?? null, error.retryAfter])).not.toContain(
          canary,
        );
      }
    }
  });
});
