// Of a token endpoint's headers two are read: how long to wait, and the type of the body.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { TransportResponse } from "../../src/core/transport.ts";
import { judgeAnswer } from "../../src/oauth/judge-answer.ts";
import { NOW, response } from "../support/fakes.ts";

const judge = (answer: TransportResponse) =>
  judgeAnswer(answer, { user_errors: [], proxy_errors: [] }, "providers.main", NOW);

function busy(status: number, headers: Record<string, string>, body: unknown = ""): number | undefined {
  try {
    judge(response(status, body, headers));
  } catch (error) {
    if (error instanceof TokenProxyError && error.code === "provider_busy") {
      expect(error.message).toBe('the provider "providers.main" limits the requests of this proxy');
      expect(error.detail).toEqual({ provider_status: status });
      return error.retryAfter;
    }
    throw error;
  }
  throw new Error("nothing was thrown");
}

const inSeconds = (seconds: number) => new Date(NOW + seconds * 1000).toUTCString();

describe("Retry-After", () => {
  it.each([
    ["seconds", "120", 120],
    ["one second", "1", 1],
    ["no wait at all", "0", 1],
    ["more than an hour", "86400", 3_600],
    ["more than a number holds", "9".repeat(400), 3_600],
    ["a date to come", inSeconds(90), 90],
    ["a date that is now", inSeconds(0), 1],
    ["a date that is past", inSeconds(-600), 1],
    ["a date far away", inSeconds(1_000_000), 3_600],
    ["words", "soon", 5],
    ["nothing", "", 5],
  ])("may be %s: %.40s", (_, value, seconds) => {
    expect(busy(429, { "retry-after": value })).toBe(seconds);
    expect(busy(503, { "retry-after": value })).toBe(seconds);
  });

  it.each(["-5", "1.5", "+30", "120, 60", "5s"])("that is neither seconds nor a date counts as none: %s", (value) => {
    expect(busy(429, { "retry-after": value })).toBe(5);
  });

  it("is five seconds where a 429 has none", () => {
    expect(busy(429, {})).toBe(5);
  });

  it.each([
    ["HTML", "<html>"],
    ["an error for the user", { error: "invalid_grant" }],
    ["a token", { access_token: "t" }],
  ])("rules whatever the body is: %s", (_, body) => {
    expect(busy(429, { "retry-after": "7" }, body)).toBe(7);
  });

  it.each([200, 400])("beside a %i means nothing", (status) => {
    const body = status === 200 ? { access_token: "t" } : { error: "invalid_grant" };
    expect(judge(response(status, body, { "retry-after": "7" })).status).toBe(status);
  });
});

describe("Content-Type", () => {
  const typeOf = (value: string | null, status = 200, body: unknown = { access_token: "t" }) => {
    const headers = { get: (name: string) => (name === "content-type" ? value : null) };
    return judge({ ...response(status, body), headers }).contentType;
  };

  it.each([
    "application/json",
    "application/json;charset=UTF-8",
    "application/json; charset=utf-8",
    "text/plain",
    'application/jwt; a="b c"',
  ])("goes along as it is: %s", (type) => {
    expect(typeOf(type)).toBe(type);
    expect(typeOf(type, 400, { error: "invalid_grant" })).toBe(type);
  });

  it.each([
    ["is missing", null],
    ["is empty", ""],
    ["is a space", " "],
    ["holds a line break", "application/json\r\nSet-Cookie: a=b"],
    ["holds a line feed", "application/json\nx"],
    ["is not ASCII", "application/jsön"],
    ["holds a control character", "application/json\u0000"],
    ["ends with a space", "application/json "],
    ["is longer than any type", `application/${"j".repeat(128)}`],
  ])("is JSON where the provider's %s", (_, type) => {
    expect(typeOf(type)).toBe("application/json");
  });
});
