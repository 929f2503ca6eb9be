// What a Worker takes from its runtime: a log of one JSON object per line, hashing, identifiers, the path as it was sent.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWorkerLog, workerIds, workerSha256 } from "../../src/worker/host.ts";
import { sha256 } from "../support/fakes.ts";

describe("the log", () => {
  const written: [string, unknown][] = [];
  beforeEach(() => {
    written.length = 0;
    for (const level of ["error", "warn", "info", "debug"] as const) {
      vi.spyOn(console, level).mockImplementation((line: unknown) => written.push([level, line]));
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it.each([
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const)("writes at level %s what is as severe or more: %j", (level, expected) => {
    const log = createWorkerLog(level);
    for (const at of ["error", "warn", "info", "debug"] as const) log(at, "call");
    expect(written.map(([at]) => at)).toEqual(expected);
  });

  it("writes level, time, event and fields, leaving out what is undefined", () => {
    createWorkerLog("info")("warn", "call", { request_id: "r", bytes: 3, provider: undefined });
    expect(written).toHaveLength(1);
    const line = JSON.parse(String(written[0]?.[1]));
    expect(line).toEqual({ level: "warn", time: expect.any(String), event: "call", request_id: "r", bytes: 3 });
    expect(new Date(line.time).toISOString()).toBe(line.time);
  });
});

it("hashes as SHA-256 does and gives fresh identifiers", async () => {
  const bytes = new TextEncoder().encode("abc");
  expect(await workerSha256(bytes)).toEqual(await sha256(bytes));
  expect(workerIds.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(workerIds.uuid()).not.toBe(workerIds.uuid());
  expect(workerIds.random(32)).toHaveLength(32);
  expect(workerIds.random(32)).not.toEqual(workerIds.random(32));
});
