// What a Worker gets from its runtime: a log of one JSON object per line, hashes and random ids.

import { hash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createWorkerLog, workerHashText, workerIds, workerSha256 } from "../../src/worker/host.ts";
import { NOW, sha256 } from "../support/fakes.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;

describe("the log", () => {
  const written: [string, unknown][] = [];
  beforeEach(() => {
    written.length = 0;
    vi.useFakeTimers({ toFake: ["Date"], now: NOW });
    for (const level of LEVELS) {
      vi.spyOn(console, level).mockImplementation((line: unknown) => written.push([level, line]));
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it.each([
    ["error", ["error"]],
    ["info", ["error", "warn", "info"]],
    ["debug", [...LEVELS]],
  ] as const)("of level %s has the lines %j", (level, expected) => {
    const log = createWorkerLog(level);
    for (const at of LEVELS) log(at, "call");
    expect(written.map(([at]) => at)).toEqual(expected);
  });

  it("has level, time, fields and event", () => {
    createWorkerLog("info")("warn", "call", { request_id: "r", bytes: 3, provider: undefined });
    const line = '{"level":"warn","time":"2026-11-23T12:00:00.000Z","request_id":"r","bytes":3,"event":"call"}';
    expect(written).toEqual([["warn", line]]);
  });
});

it("the hash is SHA-256, of text in UTF-8 and as hexadecimal digits", async () => {
  const bytes = new TextEncoder().encode("abc");
  expect(await workerSha256(bytes)).toEqual(await sha256(bytes));
  for (const text of ["", "é€😀"]) expect(await workerHashText(text)).toBe(hash("sha256", text, "hex"));
});

it("the ids are random", () => {
  expect(workerIds.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(workerIds.uuid()).not.toBe(workerIds.uuid());
  expect(workerIds.random(32)).toHaveLength(32);
  expect(workerIds.random(32)).not.toEqual(workerIds.random(32));
});
