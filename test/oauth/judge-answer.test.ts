// An answer is a token, a refusal of the user, or an error. Its bytes are never changed.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { TransportResponse } from "../../src/core/transport.ts";
import { compileErrorRules, type ErrorRules } from "../../src/oauth/error-rules.ts";
import { type Judge, judgeAnswer } from "../../src/oauth/judge-answer.ts";
import { NOW, response } from "../support/fakes.ts";

const NO_RULES: ErrorRules = { user_errors: [], proxy_errors: [] };
const TOKEN = { access_token: "t", token_type: "Bearer" };
const URL = "https://idp.example/token";

const JSON_ANSWER: Judge["answer"] = { format: "json", require: ["access_token"] };

type Rules = ErrorRules & { answer?: Judge["answer"] };

const judge = (
  answer: TransportResponse,
  { answer: expected = JSON_ANSWER, ...rules }: Rules = NO_RULES,
  hasTokenOfCall = false,
) =>
  judgeAnswer(answer, {
    ...{ key: "providers.main", url: URL, now: NOW, hasTokenOfCall, answer: expected },
    findRule: compileErrorRules(rules),
    redact: (text) => text.replaceAll("alice", "[redacted]"),
  });

function failure(answer: TransportResponse, rules?: Parameters<typeof judge>[1]): TokenProxyError {
  try {
    judge(answer, rules);
  } catch (error) {
    if (error instanceof TokenProxyError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

/** `refused`, or the code of the error. */
function verdict(status: number, body: unknown, rules = NO_RULES, hasTokenOfCall = false): string {
  try {
    return judge(response(status, body), rules, hasTokenOfCall).outcome;
  } catch (error) {
    return (error as TokenProxyError).code;
  }
}

describe("a token", () => {
  it.each([200, 201, 299])("is an answer with status %i and an access_token", (status) => {
    const contentType = "application/json";
    const answer = response(status, TOKEN, { "content-type": contentType });
    const expected = { outcome: "token", status, providerStatus: status, contentType, body: answer.body };
    expect(judge(answer)).toEqual(expected);
  });

  it.each([
    ["duplicate members", '{"access_token":"a","access_token":"b"}'],
    ["a byte order mark", '\ufeff{"access_token":"t"}'],
    ["an error that is null", '{"access_token":"t","error":null}'],
    ["unusual types", '{"access_token":"t","expires_in":"3600","token_type":"N_A"}'],
    ["a member __proto__ with an error", '{"access_token":"t","__proto__":{"error":"x"}}'],
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
  const rules: Rules = { ...NO_RULES, answer: { format: "json", require: ["id_token", "ticket"] } };

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
  const rules: Rules = { ...NO_RULES, answer: { format: "any", require: [] } };

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
    [200, '<?xml version="1.0"?>\n<!-- Log in -->\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">'],
    [200, "<head><title>Log in</title>"],
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
    [400, "eyJhbGciOiJub25lIn0.e30.", "provider_rejected_proxy"],
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
    [400, "some.vendor_error-1", 400],
    [200, "access_denied", 403],
    [201, "access_denied", 403],
  ])("with status %i and %s is relayed with status %i", (status, error, relayed) => {
    const contentType = "application/json";
    const answer = response(status, { error, ...TOKEN }, { "content-type": contentType });
    const expected = { outcome: "refused", status: relayed, providerStatus: status, contentType };
    const judged = judge(answer);
    expect(judged).toMatchObject({ ...expected, refusal: { error, judgedBy: "general" } });
    expect(judged.body).toBe(answer.body);
  });

  it("has the provider's words for the log, redacted", () => {
    const body = { error: "alice_is_locked", error_description: "User alice is locked", error_uri: "https://x/alice" };
    const { refusal } = judge(response(400, { ...body, mfa_token: "m" }));
    expect([refusal?.error, refusal?.words()]).toEqual([
      "[redacted]_is_locked",
      {
        provider_error: "[redacted]_is_locked",
        provider_error_description: "User [redacted] is locked",
        provider_error_uri: "https://x/[redacted]",
      },
    ]);
  });
});

describe("by the general rule", () => {
  const OAUTH = ["client", "request", "scope", "target", "dpop_proof", "authorization_details"];
  const PROXY_ERRORS = [
    ...OAUTH.map((what) => `invalid_${what}`),
    ...["unauthorized_client", "unsupported_grant_type", "unsupported_token_type", "use_dpop_nonce", "jti_known"],
  ];
  it.each(PROXY_ERRORS)("%s rejects this proxy, with any status", (error) => {
    for (const status of [200, 400, 401, 403]) expect(verdict(status, { error })).toBe("provider_rejected_proxy");
  });

  it.each(["Not Found", "Invalid CSRF token found for this request", "INVALID", "é", "x\ny", "", "_x"])(
    "%j is not a code, so it refuses no user",
    (error) => {
      for (const status of [400, 403]) expect(verdict(status, { error })).toBe("provider_rejected_proxy");
    },
  );

  it.each<[string, number[], unknown[]]>([
    ["provider_wrong_endpoint", [404, 405, 406, 410, 415, 501], [{ error: "invalid_grant" }, "<html>", ""]],
    ["provider_rejected_proxy", [400, 401, 402, 403, 409, 422, 451], ["<html>", "", "[]", {}, { error: 7 }, TOKEN]],
    ["provider_rejected_proxy", [401, 402, 409, 422], [{ error: "invalid_grant" }, { error: "alice is locked" }]],
    ["provider_error", [500, 502, 503, 599], [{ error: "invalid_grant" }, { error: "invalid_client" }, "<html>", ""]],
    ["provider_error", [200, 400, 403, 500], [{ error: "server_error" }]],
    ["provider_busy", [429], [{ error: "invalid_grant" }, TOKEN, "<html>", ""]],
    ["provider_busy", [200, 400, 401, 403, 404, 500, 503], [{ error: "temporarily_unavailable" }]],
    ["provider_redirected", [300, 302, 307, 308, 399], [{ error: "invalid_grant" }, TOKEN, ""]],
    ["provider_not_json", [200, 204], ["", "access_token=t&token_type=bearer", [TOKEN]]],
    ["provider_error", [205], [TOKEN, ""]],
    ["provider_error", [200], ["", false, 7, {}].map((error) => ({ ...TOKEN, error }))],
    ["provider_no_token", [200], [{ token_type: "Bearer" }, { access_token: "" }, { access_token: 1 }]],
    ["provider_no_token", [200], ['{"__proto__":{"access_token":"t"}}']],
  ])("%s is any of %j with any of %j", (code, statuses, bodies) => {
    for (const status of statuses)
      for (const body of bodies) expect([status, body, verdict(status, body)]).toContain(code);
  });

  it("invalid_request refuses the user if the call brought the token of an exchange", () => {
    expect(verdict(400, { error: "invalid_request" }, NO_RULES, true)).toBe("refused");
    expect(verdict(401, { error: "invalid_request" }, NO_RULES, true)).toBe("provider_rejected_proxy");
    expect(verdict(400, { error: "invalid_scope" }, NO_RULES, true)).toBe("provider_rejected_proxy");
  });
});

describe("the file's lists", () => {
  it("win for every status and against the kind", () => {
    const rules: ErrorRules = { kind: "keycloak", user_errors: ["invalid_client"], proxy_errors: ["mfa_required"] };
    for (const status of [400, 401, 403, 404, 415, 429, 500, 503]) {
      expect(verdict(status, { error: "invalid_client" }, rules)).toBe("refused");
      expect(verdict(status, { error: "mfa_required" }, rules)).toBe("provider_rejected_proxy");
    }
    expect(judge(response(500, { error: "invalid_client" }), rules)).toMatchObject({
      ...{ status: 500, providerStatus: 500, refusal: { judgedBy: "file" } },
    });
  });

  it("may have sentences, and change no other errors", () => {
    const rules = { user_errors: ["Vendor Error"], proxy_errors: ["invalid_grant"] };
    const verdicts = ["Vendor Error", "invalid_grant", "access_denied", "Other Error"].map((error) =>
      verdict(400, { error }, rules),
    );
    expect(verdicts).toEqual(["refused", "provider_rejected_proxy", "refused", "provider_rejected_proxy"]);
  });
});

describe("a fault", () => {
  const REJECTED = "rejects this proxy: check its client authentication, grant_type, scope and params";
  const REDIRECTED = "answered with a redirect, which is never followed: correct its token_endpoint";

  it.each<[number, unknown, string]>([
    [401, { error: "invalid_client" }, REJECTED],
    [404, "", "has no token endpoint at its token_endpoint: correct that URL"],
    [500, "", "reports a fault of its own"],
    [429, "", "limits the requests of this proxy"],
    [302, "", REDIRECTED],
    [205, "", "answered with status 205"],
    [200, "", "sent an answer that is not a JSON object"],
    [200, { error: 7 }, "sent an error that is not a text"],
    [200, {}, "sent no access_token"],
  ])("with status %i and %j says what happened and what to do", (status, body, what) => {
    const error = failure(response(status, body));
    expect(error.message).toBe(`the provider "providers.main" ${what}`);
    expect(error.detail).toMatchObject({ provider_status: status });
  });

  it("has the provider's words, redacted, and the URL of a wrong endpoint", () => {
    const body = { error: "invalid_client", error_description: "alice?", error_uri: "https://x", mfa_token: "m" };
    const words = { provider_error: "invalid_client", provider_error_description: "[redacted]?" };
    for (const status of [400, 401, 404, 429, 500]) {
      const url = status === 404 ? { url: URL } : {};
      const detail = { provider_status: status, ...words, provider_error_uri: "https://x", ...url };
      expect(failure(response(status, body)).detail).toEqual(detail);
    }
    expect(failure(response(400, { error: 7, error_description: ["x"] })).detail).toEqual({ provider_status: 400 });
  });

  it("has what the kind knows about it", () => {
    const body = { error: "invalid_grant", error_description: "Invalid token audience" };
    const error = failure(response(400, body), { ...NO_RULES, kind: "keycloak" });
    expect(error).toMatchObject({ code: "provider_rejected_proxy", judgedBy: "kind" });
    expect(error.detail).toMatchObject({ advice: "aud is not the issuer: see jwt.user.claims.aud" });
  });

  it("repeats nothing else that the provider sent, and nothing in its message", () => {
    const canary = "Zq7xWv4kPj";
    const headers = { "retry-after": canary, location: canary, "content-type": canary };
    for (const status of [200, 302, 400, 401, 404, 429, 500, 503]) {
      for (const body of [canary, { message: canary }, { error: { canary } }, { error: "invalid_client", canary }]) {
        const { message, detail, cause, retryAfter } = failure(response(status, body, headers));
        expect(JSON.stringify([message, detail, cause ?? null, retryAfter])).not.toContain(canary);
      }
      const words = { error: canary, error_description: canary, error_uri: canary };
      expect(failure(response(status, words, headers)).message).not.toContain(canary);
    }
  });

  it.each<[number, string, string | undefined, ErrorRules?]>([
    [400, "invalid_client", "refused"],
    [401, "invalid_client", "refused"],
    [401, "unauthorized_client", "doubtful"],
    [401, "", "doubtful"],
    [400, "unauthorized_client", undefined],
    [403, "invalid_scope", undefined],
    [401, "invalid_grant", "doubtful", { ...NO_RULES, proxy_errors: ["invalid_grant"] }],
  ])("with status %i and %j says whether the credential is refused: %s", (status, error, credential, rules) => {
    expect(failure(response(status, { error }), rules)).toMatchObject({ code: "provider_rejected_proxy", credential });
  });

  it("says so of what a kind knows as a refused credential", () => {
    const error_description = "The JSON Web Token uses signing key with kid '2', which could not be found.";
    const answer = response(400, { error: "invalid_request", error_description });
    expect(failure(answer)).toMatchObject({ credential: undefined });
    expect(failure(answer, { ...NO_RULES, kind: "hydra" })).toMatchObject({ credential: "doubtful" });
  });
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

  it.each([
    "application/json;charset=UTF-8",
    "application/json; charset=utf-8",
    'application/jwt; a="b c"',
    "application/vnd.openbanking.token.response+json; version=3.1.11; charset=utf-8",
  ])("is relayed: %s", (type) => {
    expect([typeOf(type), typeOf(type, response(400, { error: "invalid_grant" }))]).toEqual([type, type]);
  });

  it.each([
    null,
    "",
    " ",
    "application/json\r\nSet-Cookie: a=b",
    "application/jsön",
    "application/json\u0000",
    "application/json, text/html",
    ";/;",
    "application/ json",
    `application/${"j".repeat(128)}`,
  ])("is replaced by application/json if a header cannot carry it: %j", (type) => {
    expect(typeOf(type)).toBe("application/json");
  });
});
