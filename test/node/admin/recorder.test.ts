// What came of the last calls, by provider, by nextAuth Server, and one by one.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../../src/core/call-report.ts";
import { createRecorder } from "../../../src/node/admin/recorder.ts";
import { RECENT_CALLS } from "../../../src/node/admin/snapshot.ts";
import { NOW } from "../../support/fakes.ts";

const TOKEN: CallReport = {
  requestId: "r-1",
  traceId: undefined,
  route: "/getToken",
  caller: "ns",
  provider: "main",
  nextauth: undefined,
  outcome: "token",
  status: 200,
  errorCode: undefined,
  providerStatus: 200,
  providerError: undefined,
  attempts: 1,
  duration: 12.345,
  durations: {},
  callBytes: 80,
  bytes: 500,
};
const failed = (errorCode: NonNullable<CallReport["errorCode"]>, changes: Partial<CallReport> = {}): CallReport => ({
  ...TOKEN,
  outcome: "error",
  status: 502,
  errorCode,
  ...changes,
});

function setUp() {
  let now = NOW;
  const recorder = createRecorder(() => now);
  return {
    recorder,
    record(report: CallReport) {
      now += 1_000;
      recorder.record(report);
    },
  };
}

describe("the last calls", () => {
  it("are told one by one, the newest first, without anything of a user", () => {
    const { recorder, record } = setUp();
    record(TOKEN);
    record(failed("provider_timeout", { requestId: "r-2" }));
    expect(recorder.calls()).toEqual([
      {
        at: NOW + 2_000,
        request_id: "r-2",
        route: "/getToken",
        caller: "ns",
        provider: "main",
        outcome: "error",
        error_code: "provider_timeout",
        status: 502,
        duration_ms: 12.3,
      },
      expect.objectContaining({ at: NOW + 1_000, request_id: "r-1", outcome: "token", status: 200 }),
    ]);
  });

  it("are fifty and no more", () => {
    const { recorder, record } = setUp();
    for (let i = 0; i < 123; i++) record({ ...TOKEN, requestId: `r-${i}` });
    const ids = recorder.calls().map(({ request_id }) => request_id);
    expect(ids).toEqual(Array.from({ length: RECENT_CALLS }, (_, i) => `r-${122 - i}`));
  });
});

describe("a provider's last outcome", () => {
  it("is the one of the last call that chose it", () => {
    const { recorder, record } = setUp();
    record(TOKEN);
    record(failed("provider_unreachable"));
    record(failed("caller_unauthenticated", { provider: undefined }));
    record({ ...TOKEN, provider: "other", outcome: "refused" });
    expect(recorder.provider("main").last).toEqual({ outcome: "provider_unreachable", at: NOW + 2_000 });
    expect(recorder.provider("other").last).toEqual({ outcome: "refused", at: NOW + 4_000 });
    expect(recorder.provider("main").minutes).toMatchObject([{ tokens: 1, errors: 1 }]);
  });

  it("is none before the first call", () => {
    expect(setUp().recorder.provider("main")).toEqual({ last: undefined, minutes: [] });
  });
});

describe("a nextAuth Server's last outcome", () => {
  it.each([
    [{ ...TOKEN, nextauth: "nextauth" }, "answered"],
    [failed("session_not_logged_in", { nextauth: "nextauth" }), "answered"],
    [failed("provider_timeout", { nextauth: "nextauth" }), "answered"],
    [failed("session_check_failed", { nextauth: "nextauth" }), "session_check_failed"],
    [failed("session_check_timeout", { nextauth: "nextauth" }), "session_check_timeout"],
    [failed("attributes_failed", { nextauth: "nextauth" }), "attributes_failed"],
    [failed("attributes_timeout", { nextauth: "nextauth" }), "attributes_timeout"],
  ])("is whether it answered", (report, outcome) => {
    const { recorder, record } = setUp();
    record(report);
    expect(recorder.nextauth("nextauth").last).toEqual({ outcome, at: NOW + 1_000 });
  });
});
