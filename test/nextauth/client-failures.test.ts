// Whatever a nextAuth Server answers but a proper 200 is an error that says what to look at, and repeats nothing of call or answer.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError, type TransportFailure } from "../../src/core/transport.ts";
import { type FakeProvider, thrownBy } from "../support/fakes.ts";
import { APIKEY, answering, asking, NONCE, OPERATIONS, type Operation, SERVERID, USERID } from "./ask.ts";

const FAILED = { getSession: "session_check_failed", getUserAttributes: "attributes_failed" } as const;
const TIMEOUT = { getSession: "session_check_timeout", getUserAttributes: "attributes_timeout" } as const;
const REFUSED = {
  getSession: "check its apikey, and that it has the permission 'sessions' for this serverid",
  getUserAttributes: "check its apikey, and that it may read the users of this serverid",
} as const;

async function failureOf(operation: Operation, answer: FakeProvider["answer"]): Promise<TokenProxyError> {
  const error = await thrownBy(() => asking(operation, answer));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

const throwing = (error: Error) => () => {
  throw error;
};

describe.each(Object.keys(OPERATIONS) as Operation[])("%s", (operation) => {
  const { good } = OPERATIONS[operation];
  const at = `${operation} at the nextAuth Server "nextauth[1]"`;
  const redirected = "was answered with a redirect, which is never followed: correct its url";

  it.each([
    [201, "was answered with status 201"],
    [204, "was answered with status 204"],
    [206, "was answered with status 206"],
    [300, redirected],
    [301, redirected],
    [308, redirected],
    [400, "was answered with status 400"],
    [401, `was refused with status 401: ${REFUSED[operation]}`],
    [403, `was refused with status 403: ${REFUSED[operation]}`],
    [429, "was answered with status 429"],
    [500, "was answered with status 500"],
    [503, "was answered with status 503"],
    ...(operation === "getSession" ? [[404, "was answered with status 404"] as const] : []),
  ] as const)("fails with status %i, whatever is in the body", async (status, what) => {
    const error = await failureOf(operation, answering(status, good));
    expect(error.code).toBe(FAILED[operation]);
    expect(error.message).toBe(`${at} ${what}`);
    expect(error.detail).toEqual({ nextauth_status: status });
    expect(error.cause).toBeUndefined();
    expect(error.retryAfter).toBeUndefined();
  });

  it.each<[TransportFailure, string]>([
    ["unreachable", "cannot be reached"],
    ["timeout", "did not answer in time"],
    ["truncated", "broke off its answer"],
    ["too_large", "answered with more than it may"],
    ["malformed", "answered with something that is not proper HTTP"],
  ])("fails where the exchange is %s, and keeps the cause for the log", async (failure, what) => {
    const cause = new Error("connect ECONNREFUSED");
    const error = await failureOf(operation, throwing(new TransportError(failure, cause)));
    expect(error.code).toBe((failure === "timeout" ? TIMEOUT : FAILED)[operation]);
    expect(error.message).toBe(`${operation}: the nextAuth Server "nextauth[1]" ${what}`);
    expect(error.detail).toBeUndefined();
    expect(error.cause).toBe(cause);
  });

  it("fails where a proper 200 holds something else, and says so with the status", async () => {
    const error = await failureOf(operation, answering(200, "<html>"));
    expect(error.code).toBe(FAILED[operation]);
    expect(error.message).toBe(
      `${at} was answered with something that is not a ${operation === "getSession" ? "LoginStatus" : "JSON object of name to text"}`,
    );
    expect(error.detail).toEqual({ nextauth_status: 200 });
    expect(error.cause).toBeUndefined();
  });

  it("leaves a bug what it is", async () => {
    const bug = new TypeError("a bug");
    expect(await thrownBy(() => asking(operation, throwing(bug)))).toBe(bug);
  });

  it("tells neither key nor value of the call nor anything of the answer", async () => {
    const canary = "answer-9xTqLm2R";
    const bodies = [canary, { [canary]: canary }, { loggedin: canary }, { loggedin: true, userid: `${canary}\n` }];
    const answers = [200, 302, 401, 403, 404, 500].flatMap((status) => bodies.map((body) => answering(status, body)));
    let errors = 0;
    for (const answer of [...answers, throwing(new TransportError("timeout")), answering(200, [canary])]) {
      const error = await thrownBy(() => asking(operation, answer)).catch(() => undefined);
      if (error === undefined) continue; // a user who is not known, attributes that are in order
      errors += 1;
      const told = inspect(error, { depth: 9 }) + JSON.stringify(error) + String((error as Error).stack);
      for (const kept of [canary, APIKEY, NONCE, USERID, SERVERID, encodeURIComponent(SERVERID)]) {
        expect(told).not.toContain(kept);
      }
    }
    expect(errors).toBeGreaterThan(15);
  });
});
