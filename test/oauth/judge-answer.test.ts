// An answer is a token, a refusal of the user, or an error. Its bytes are never changed.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { TransportResponse } from "../../src/core/transport.ts";
import {
  type AnswerRules,
  type ErrorRules,
  isClientAccepted,
  isClientRejected,
  judgeAnswer,
} from "../../src/oauth/judge-answer.ts";
import { NOW, response } from "../support/fakes.ts";

const NO_RULES: ErrorRules = { user_errors: [], proxy_errors: [] };
const TOKEN = { access_token: "t", token_type: "Bearer" };

const JSON_ANSWER: AnswerRules["answer"] = { format: "json", require: ["access_token"] };

const judge = (response: TransportResponse, rules: ErrorRules & { answer?: AnswerRules["answer"] } = NO_RULES) =>
  judgeAnswer(response, { answer: JSON_ANSWER, ...rules }, "providers.main", NOW);

function failure(answer: TransportResponse, rules?: Parameters<typeof judge>[1]): TokenProxyError {
  try {
    judge(answer, rules);
  } catch (error) {
    if (error instanceof TokenProxyError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("a token", () => {
  it.each([200, 201, 299])("is an answer with status %i and an access_token", (status) => {
    const contentType = "application/json";
    const answer = response(status, TOKEN, { "content-type": contentType });
    const expected = { outcome: "token", status, providerStatus: status, contentType, body: answer.body };
    expect(judge(answer)).toEqual(expected);
  });

  it.each([
    ["odd spacing", '{ "access_token" :\t"t" }\n'],
    ["escapes", '{"access_token":"\\u0074"}'],
    ["a number over 2^53", '{"access_token":"t","id":9007199254740993}'],
    ["duplicate members", '{"access_token":"a","access_token":"b"}'],
    ["a byte order mark", '\ufeff{"access_token":"t"}'],
    ["an error that is null", '{"access_token":"t","error":null}'],
    ["unusual types", '{"access_token":"t","expires_in":"3600","token_type":"N_A"}'],
    ["a member __proto__ with an error", '{"access_token":"t","__proto__":{"error":"x"}}'],
    ["text that is not ASCII", '{"access_token":"t","name":"é😀"}'],
  ])("keeps its bytes with %s", (_, text) => {
    const answer = response(200, text);
    const copy = Uint8Array.from(answer.body);
    const judged = judge(answer);
    expect(judged.outcome).toBe("token");
    expect(judged.body).toBe(answer.body);
    expect(judged.body).toEqual(copy);
  });
});

describe("a token with other members", () => {
  const rules = { ...NO_RULES, answer: { format: "json", require: ["id_token", "ticket"] } } as const;

  it("needs each of them, and no access_token", () => {
    expect(judge(response(200, { id_token: "a", ticket: "b" }), rules)).toMatchObject({
      outcome: "token",
      status: 200,
    });
  });

  it.each<[unknown, string]>([
    [{ ticket: "b", access_token: "t" }, "id_token"],
    [{ id_token: "a" }, "ticket"],
    [{ id_token: "", ticket: "b" }, "id_token"],
    [{ id_token: "a", ticket: { of: "b" } }, "ticket"],
    [{ id_token: "a", ticket: null }, "ticket"],
    ['{"__proto__":{"id_token":"a"},"ticket":"b"}', "id_token"],
  ])("is missing in %j", (body, member) => {
    const { code, message } = failure(response(200, body), rules);
    expect([code, message]).toEqual(["provider_no_token", `the provider "providers.main" sent no ${member}`]);
  });
});

describe("a token of any format", () => {
  const rules = { ...NO_RULES, answer: { format: "any", require: [] } } as const;

  it.each<[string, string | Uint8Array]>([
    ["a bare JWT", "eyJhbGciOiJub25lIn0.e30."],
    ["bytes that are not text", Uint8Array.of(0xff, 0x00, 0xfe)],
    ["a JSON object", '{ "ticket": 1 }'],
    ["a JSON object with an error that is null", '{"error":null}'],
    ["a JSON list", '["error"]'],
    ["XML", '<?xml version="1.0"?><Assertion/>'],
  ])("can be %s", (_, body) => {
    const answer = response(201, body, { "content-type": "application/jwt" });
    const judged = judge(answer, rules);
    expect(judged).toMatchObject({ outcome: "token", status: 201, contentType: "application/jwt" });
    expect(judged.body).toBe(answer.body);
  });

  it.each([
    ["", "x", "application/octet-stream"],
    ["text/html, text/plain", "x", "application/octet-stream"],
    ["text/html, text/plain", "{}", "application/json"],
    ["text/html", "x", "text/html"],
  ])("with the type %j and the body %j is relayed as %s", (type, body, contentType) => {
    expect(judge(response(200, body, { "content-type": type }), rules).contentType).toBe(contentType);
  });

  it.each([
    [200, ""],
    [204, ""],
    [200, " \r\n"],
    [200, "\ufeff\n<!DOCTYPE html><title>Log in</title>"],
    [200, "<html lang=en>"],
  ])("is not a %i with %j", (status, body) => {
    const { code, message } = failure(response(status, body), rules);
    const what = 'the provider "providers.main" sent an empty body or a page (HTML)';
    expect([code, message]).toEqual(["provider_no_token", what]);
  });

  it("is not a JSON object with an error, which is judged as one", () => {
    const { outcome, status } = judge(response(200, { error: "access_denied" }), rules);
    expect([outcome, status]).toEqual(["refused", 403]);
    expect(failure(response(200, { error: "invalid_client" }), rules).code).toBe("provider_rejected_proxy");
  });

  it.each([
    [400, "eyJhbGciOiJub25lIn0.e30.", "provider_not_json"],
    [401, "eyJhbGciOiJub25lIn0.e30.", "provider_rejected_proxy"],
    [302, "eyJhbGciOiJub25lIn0.e30.", "provider_redirected"],
    [500, "eyJhbGciOiJub25lIn0.e30.", "provider_error"],
  ])("changes nothing for a %i", (status, body, code) => {
    expect(failure(response(status, body), rules).code).toBe(code);
  });
});

describe("a refusal of the user", () => {
  it.each([
    [400, "invalid_grant", 400],
    [403, "mfa_required", 403],
    [404, "access_denied", 404],
    [200, "access_denied", 403],
    [201, "access_denied", 403],
  ])("with status %i and %s is relayed with status %i", (status, providerError, relayed) => {
    const contentType = "application/json";
    const answer = response(status, { error: providerError, ...TOKEN }, { "content-type": contentType });
    const expected = { outcome: "refused", status: relayed, providerStatus: status, providerError, contentType };
    expect(judge(answer)).toEqual({ ...expected, body: answer.body });
  });

  it.each(["User 4711 is locked", "some_vendor_error", "INVALID", "é", "x\ny"])(
    "is logged as unregistered if its code is not registered: %j",
    (error) => {
      expect(judge(response(400, { error }))).toMatchObject({ outcome: "refused", providerError: "unregistered" });
    },
  );
});

describe("a rejection of this proxy", () => {
  const REJECTED =
    'the provider "providers.main" rejects this proxy: check its client_id, client_secret, token_endpoint_auth_method, grant_type, scope and params';
  const OAUTH_ERRORS = ["client", "request", "scope", "target"].map((what) => `invalid_${what}`);

  it.each([...OAUTH_ERRORS, "unauthorized_client", "unsupported_grant_type"])("is %s with any status", (error) => {
    for (const status of [200, 400, 403]) {
      const detail = { provider_status: status, provider_error: error };
      const rejection = { code: "provider_rejected_proxy", message: REJECTED, detail };
      expect(failure(response(status, { error }))).toMatchObject(rejection);
    }
  });

  it.each<[unknown, string | undefined]>([
    [{ error: "invalid_grant" }, "invalid_grant"],
    [{ error: "alice is locked" }, "unregistered"],
    [{ error: 401 }, undefined],
    ["", undefined],
    ["<html>", undefined],
    [TOKEN, undefined],
  ])("is any 401, whatever its body and user_errors: %j", (body, provider_error) => {
    const error = failure(response(401, body), { user_errors: ["invalid_grant"], proxy_errors: [] });
    expect(error.code).toBe("provider_rejected_proxy");
    expect(error.detail).toEqual({ provider_status: 401, ...(provider_error === undefined ? {} : { provider_error }) });
  });
});

it("the file's rules move an error between user and proxy, and leave others unchanged", () => {
  const rules = { user_errors: ["invalid_request"], proxy_errors: ["invalid_grant", "Vendor Error"] };
  const outcome = (error: string) => judge(response(400, { error }), rules).outcome;
  const loggedError = (error: string) => failure(response(400, { error }), rules).detail?.provider_error;
  expect([outcome("invalid_request"), outcome("access_denied")]).toEqual(["refused", "refused"]);
  const moved = ["invalid_grant", "Vendor Error", "invalid_client"].map(loggedError);
  expect(moved).toEqual(["invalid_grant", "unregistered", "invalid_client"]);
});

describe("an error", () => {
  const NOT_JSON = "sent an answer that is not a JSON object";
  const REDIRECTED = "answered with a redirect, which is never followed: correct its token_endpoint";
  const NO_CODE = "answered with status 400 but no error code";
  const NOT_TEXT = "sent an error that is not a text";
  const NO_TOKEN = "sent no access_token";

  it.each<[string, number, unknown, string]>([
    ["provider_error", 500, { error: "invalid_grant" }, "answered with status 500"],
    ["provider_error", 503, "", "answered with status 503"],
    ["provider_error", 205, TOKEN, "answered with status 205"],
    ["provider_redirected", 302, "", REDIRECTED],
    ["provider_redirected", 307, TOKEN, REDIRECTED],
    ["provider_not_json", 200, "", NOT_JSON],
    ["provider_not_json", 204, "", NOT_JSON],
    ["provider_not_json", 200, "access_token=t&token_type=bearer", NOT_JSON],
    ["provider_not_json", 404, "<html>", NOT_JSON],
    ["provider_not_json", 200, [TOKEN], NOT_JSON],
    ["provider_error", 400, { message: "no" }, NO_CODE],
    ["provider_error", 400, TOKEN, NO_CODE],
    ["provider_error", 400, { error: { code: 1 } }, NOT_TEXT],
    ["provider_error", 200, { ...TOKEN, error: "" }, NOT_TEXT],
    ["provider_error", 200, { ...TOKEN, error: false }, NOT_TEXT],
    ["provider_no_token", 200, { token_type: "Bearer" }, NO_TOKEN],
    ["provider_no_token", 200, { access_token: "" }, NO_TOKEN],
    ["provider_no_token", 200, { access_token: 1 }, NO_TOKEN],
    ["provider_no_token", 200, '{"__proto__":{"access_token":"t"}}', NO_TOKEN],
  ])("%s is a %i with %j", (code, status, body, what) => {
    const error = failure(response(status, body));
    expect([error.code, error.message]).toEqual([code, `the provider "providers.main" ${what}`]);
    expect([error.detail, error.retryAfter]).toEqual([{ provider_status: status }, undefined]);
  });

  it("repeats nothing that the provider sent", () => {
    const canary = "Zq7xWv4kPj";
    const headers = { "retry-after": canary, location: canary, "content-type": canary };
    for (const status of [200, 302, 400, 401, 429, 500, 503]) {
      for (const body of [canary, { message: canary }, { error: { canary } }, { error: "invalid_client", canary }]) {
        const { message, detail, cause, retryAfter } = failure(response(status, body, headers));
        expect(JSON.stringify([message, detail, cause ?? null, retryAfter])).not.toContain(canary);
      }
    }
  });
});

it("isClientRejected and isClientAccepted tell whether a failure is about the client's credentials", () => {
  const outcomes = (error: unknown) => [isClientRejected(error), isClientAccepted(error)];
  const ofAnswer = (status: number, body: unknown) => outcomes(failure(response(status, body)));
  expect(ofAnswer(401, { error: "invalid_client" })).toEqual([true, false]);
  expect(ofAnswer(400, { error: "invalid_client" })).toEqual([true, false]);
  expect(ofAnswer(401, { error: "invalid_token" })).toEqual([false, false]);
  expect(ofAnswer(401, "")).toEqual([false, false]);
  expect(ofAnswer(400, { error: "unauthorized_client" })).toEqual([false, true]);
  expect(ofAnswer(500, { error: "invalid_client" })).toEqual([false, false]);
  expect(outcomes(new TokenProxyError("provider_timeout", "m"))).toEqual([false, false]);
  expect(outcomes(new TokenProxyError("provider_wrong_subject", "m"))).toEqual([false, true]);
  expect(outcomes(Object.assign(new Error(), { detail: { provider_error: "invalid_client" } }))).toEqual([
    false,
    false,
  ]);
});

describe("Retry-After", () => {
  const inSeconds = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();
  const busy = (status: number, headers: Record<string, string>, body: unknown = "") => {
    const error = failure(response(status, body, headers));
    const message = 'the provider "providers.main" limits the requests of this proxy';
    expect(error).toMatchObject({ code: "provider_busy", message, detail: { provider_status: status } });
    return error.retryAfter;
  };

  it.each([
    ["120", 120],
    ["0", 1],
    ["86400", 3_600],
    ["9".repeat(400), 3_600],
    [inSeconds(90), 90],
    [inSeconds(-600), 1],
    [inSeconds(1_000_000), 3_600],
    ["soon", 5],
    ["", 5],
    ["-5", 5],
    ["1.5", 5],
    ["120, 60", 5],
  ])("%.40s of a 429 or 503 means %i seconds", (value, seconds) => {
    const headers = { "retry-after": value };
    expect([busy(429, headers), busy(503, headers)]).toEqual([seconds, seconds]);
  });

  it("is not needed in a 429, whose body does not matter", () => {
    expect([busy(429, {}), busy(429, {}, { error: "invalid_grant" }), busy(429, {}, TOKEN)]).toEqual([5, 5, 5]);
  });

  it("does not matter in other answers", () => {
    const headers = { "retry-after": "7" };
    expect(judge(response(200, TOKEN, headers)).outcome).toBe("token");
    expect(judge(response(400, { error: "invalid_grant" }, headers)).outcome).toBe("refused");
  });
});

describe("Content-Type", () => {
  const typeOf = (value: string | null, answer = response(200, TOKEN)) =>
    judge({ ...answer, headers: { get: (name: string) => (name === "content-type" ? value : null) } }).contentType;

  it.each(["application/json;charset=UTF-8", "application/json; charset=utf-8", 'application/jwt; a="b c"'])(
    "is relayed: %s",
    (type) => {
      expect([typeOf(type), typeOf(type, response(400, { error: "invalid_grant" }))]).toEqual([type, type]);
    },
  );

  it.each([
    null,
    "",
    " ",
    "application/json\r\nSet-Cookie: a=b",
    "application/jsön",
    "application/json\u0000",
    "application/json ",
    "application/json, text/html",
    `application/${"j".repeat(128)}`,
  ])("is replaced by application/json if a header cannot carry it: %j", (type) => {
    expect(typeOf(type)).toBe("application/json");
  });
});
