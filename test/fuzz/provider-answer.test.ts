// Whatever a provider answers, the caller gets exactly its bytes or a row of the error table.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ERROR_TABLE, TokenProxyError } from "../../src/core/errors.ts";
import { membersAsWritten, readJsonObject } from "../../src/core/json.ts";
import { TransportError, type TransportFailure, type TransportResponse } from "../../src/core/transport.ts";
import { compileErrorRules, type ErrorRules } from "../../src/oauth/error-rules.ts";
import { type Judge, judgeAnswer } from "../../src/oauth/judge-answer.ts";
import { KIND_NAMES } from "../../src/oauth/kinds/index.ts";
import { call, TOKEN } from "../support/app.ts";
import { readResponse } from "../support/call.ts";
import { MARKER } from "../support/expect-error.ts";
import { NOW, response } from "../support/fakes.ts";
import { anyJson, anyText, buildFuzzedApp, bytesOf, forAll, mutated, RUNS, rowOf, watchRejections } from "./fuzz.ts";

watchRejections();

const NAMES = [
  "access_token",
  "error",
  "error_description",
  "error_uri",
  "error_code",
  "request_id",
  "token_type",
  "expires_in",
];
const CODES = ["invalid_grant", "invalid_client", "access_denied", "mfa_required", "constructor", MARKER];

const members = fc
  .array(
    fc.tuple(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...NAMES) }, anyText),
      fc.oneof(fc.constantFrom("t", ...CODES), anyJson(...NAMES)),
    ),
    { maxLength: 5 },
  )
  .map((entries) => Object.fromEntries(entries));
const object = fc.oneof(
  members.map((rest) => JSON.stringify({ access_token: MARKER, ...rest })),
  fc.tuple(members, fc.constantFrom(...CODES)).map(([rest, error]) => JSON.stringify({ ...rest, error }, null, 2)),
  members.map((rest) => `\ufeff ${JSON.stringify(rest)}\r\n`),
);
const bytes = fc.oneof(
  { weight: 4, arbitrary: object.map(bytesOf) },
  mutated(object, ["{", "}", '"', ",", "\\u0000", "\\ud800", "1e999", "[", '"error":"x",', '"access_token":"b",']).map(
    bytesOf,
  ),
  anyJson(...NAMES).map((value) => bytesOf(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 64 }),
  fc
    .tuple(object, fc.uint8Array({ minLength: 1, maxLength: 4 }))
    .map(([text, more]) => new Uint8Array([...bytesOf(text), ...more])),
);
const status = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(200, 200, 200, 400, 401, 403, 429, 500, 503, 307, 204, 205, 304) },
  fc.integer({ min: 200, max: 599 }),
);
/** Any bytes except line breaks, as on the wire. */
const headerText = fc.oneof(
  fc.constantFrom(
    "",
    "application/json",
    "text/html",
    "application/json\u00e9",
    "a/b;\u0000",
    "a/b, c/d",
    'A/B ; x=\t"y"',
  ),
  fc.constantFrom(
    "0",
    "-1",
    "7",
    "1e9",
    "99999999999",
    "Tue, 24 Nov 2026 12:00:00 GMT",
    "Tue, 99 Foo 2026 99:00:00 GMT",
  ),
  fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
);
const headers = fc.record(
  {
    "content-type": headerText,
    "retry-after": headerText,
    "content-encoding": headerText,
    "www-authenticate": headerText,
    "set-cookie": fc.constant(MARKER),
    "x-request-id": fc.constant(MARKER),
  },
  { requiredKeys: [] },
);
const answer = fc.record({ status, headers, bytes }).map(({ status, headers, bytes }): TransportResponse => {
  const found = new Map(Object.entries(headers));
  // HTTP has no body here (RFC 9110 section 6.4.1).
  const body = status === 204 || status === 304 ? new Uint8Array() : bytes;
  return { status, headers: { get: (name) => found.get(name.toLowerCase()) ?? null }, body };
});
const rule: fc.Arbitrary<ErrorRules["user_errors"][number]> = fc.oneof(
  fc.constantFrom(...CODES),
  fc.record({
    error: fc.constantFrom(...CODES),
    description: fc.array(fc.string({ unit: fc.constantFrom("*", "a", "b") })),
  }),
);
const rules = fc.record<ErrorRules>({
  kind: fc.constantFrom(undefined, ...KIND_NAMES),
  user_errors: fc.array(rule, { maxLength: 3 }),
  proxy_errors: fc.array(rule, { maxLength: 3 }),
});

const JSON_ANSWER: Judge["answer"] = { format: "json", require: ["access_token"] };

function judgeOf(rules: ErrorRules, hasTokenOfCall: boolean, answer = JSON_ANSWER): Judge {
  const redact = (text: string) => text.replaceAll(MARKER, "");
  const findRule = compileErrorRules(rules);
  return { key: "providers.main", answer, url: "u", now: NOW, findRule, hasTokenOfCall, redact };
}

/** Whether it may be relayed: an object with a token or an error. */
function meansSomething(body: Uint8Array): boolean {
  const { access_token: token, error } = JSON.parse(new TextDecoder().decode(body));
  return typeof token === "string" || typeof error === "string";
}

describe("an answer", () => {
  it("is judged unchanged, or fails with a code about the provider", async () => {
    await forAll(
      fc.tuple(answer, rules, fc.boolean()),
      ([given, rules, hasTokenOfCall]) => {
        const before = Buffer.from(given.body);
        const judge = judgeOf(rules, hasTokenOfCall);
        try {
          const judged = judgeAnswer(given, judge);
          expect(judged.body).toBe(given.body);
          expect(meansSomething(judged.body)).toBe(true);
          expect(judged.status).toBe(given.status < 300 && judged.outcome === "refused" ? 403 : given.status);
          expect(judged.outcome === "token").toBe(judged.status < 300);
        } catch (error) {
          if (!(error instanceof TokenProxyError)) throw error;
          expect(error.code).toMatch(/^provider_/);
          expect(Object.keys(ERROR_TABLE)).toContain(error.code);
          expect(error.message + JSON.stringify(error.detail)).not.toContain(MARKER);
          if (error.retryAfter !== undefined) expect(error.retryAfter).toBeGreaterThanOrEqual(1);
        }
        expect(before.equals(given.body)).toBe(true);
      },
      3,
    );
  });

  it("of any format is a token only with a 2xx, and never with an error or without a body", async () => {
    await forAll(fc.tuple(answer, rules), ([given, rules]) => {
      try {
        const judged = judgeAnswer(given, judgeOf(rules, true, { format: "any", require: [] }));
        expect(judged.body).toBe(given.body);
        expect(judged.outcome === "token").toBe(judged.status < 300);
        if (judged.outcome === "refused") return;
        expect(judged.status).toBe(given.status);
        expect(judged.body.length).toBeGreaterThan(0);
        expect(readJsonObject(judged.body)?.error ?? null).toBeNull();
      } catch (error) {
        if (!(error instanceof TokenProxyError)) throw error;
        expect(error.code).toMatch(/^provider_/);
      }
    });
  });

  it("reaches the caller unchanged, or an error does; the next call gets a token", async () => {
    const { app, upstream, lines } = await buildFuzzedApp();
    let relayed = 0;
    await forAll(
      answer,
      async (given) => {
        upstream.requests.length = 0;
        upstream.answer = () => given;
        const got = await readResponse(await app.request(call()));
        expect(upstream.requests).toHaveLength(1);
        const code = rowOf(got);
        if (code === undefined) {
          relayed += 1;
          expect(got.body.equals(given.body)).toBe(true);
          expect(got.status === given.status || (got.status === 403 && given.status < 300)).toBe(true);
          expect(got.headers["content-type"]).toMatch(/^[\x20-\x7e]+\/[\x20-\x7e]+$/);
        } else {
          expect(code).toMatch(/^provider_/);
        }
        const fields = lines.splice(0).flatMap((line) => Object.entries(line.fields));
        const others = fields.filter(([name]) => !name.startsWith("provider_error"));
        expect(JSON.stringify([got.headers, others])).not.toContain(MARKER);
        for (const [, text] of fields) expect(String(text).length).toBeLessThanOrEqual(300);
        upstream.answer = () => response(200, TOKEN);
        expect(await (await app.request(call())).text()).toBe(TOKEN);
        lines.length = 0;
      },
      2,
    );
    expect(relayed).toBeGreaterThan(RUNS / 10);
  });

  it("that does not arrive becomes a row of the table", async () => {
    const { app, upstream } = await buildFuzzedApp();
    const failure = fc.constantFrom<TransportFailure>(
      "unreachable",
      "connect_timeout",
      "timeout",
      "truncated",
      "too_large",
      "malformed",
    );
    const thrown = fc.record({
      failure,
      delivery: fc.constantFrom("none" as const, "stale" as const, "some" as const),
      cause: anyText,
    });
    await forAll(
      thrown,
      async ({ failure, delivery, cause }) => {
        upstream.requests.length = 0;
        upstream.answer = () => {
          throw new TransportError(failure, new Error(cause + MARKER), delivery);
        };
        expect(rowOf(await readResponse(await app.request(call())))).toMatch(/^provider_/);
        // Repeated only if nothing was sent.
        expect(upstream.requests).toHaveLength(failure === "unreachable" && delivery === "none" ? 2 : 1);
        upstream.answer = () => response(200, TOKEN);
        expect((await app.request(call())).status).toBe(200);
      },
      0.5,
    );
  });
});

describe("members of an object", () => {
  const entries = fc.array(fc.tuple(fc.oneof(fc.constantFrom("a", "__proto__"), anyText), anyJson("a")), {
    maxLength: 5,
  });
  it("are found as they are written, each of those with one name", async () => {
    await forAll(fc.tuple(entries, fc.constantFrom("", " ", "\n\t")), ([list, space]) => {
      const written = list.map(([name, value]) => [name, JSON.stringify(value, null, space)] as const);
      const text = `{${written.map(([name, value]) => `${JSON.stringify(name)}${space}:${space}${value}${space}`)}}`;
      for (const wanted of ["a", "__proto__", ...list.map(([name]) => name)]) {
        expect(membersAsWritten(text, wanted)).toEqual(
          written.filter(([name]) => name === wanted).map(([, value]) => value),
        );
      }
    });
  });

  it("end, even if the text does", async () => {
    await forAll(bytes, (cut) => {
      try {
        membersAsWritten(new TextDecoder().decode(cut), "a");
      } catch (error) {
        expect(error).toBeInstanceOf(SyntaxError);
      }
    });
  });
});
