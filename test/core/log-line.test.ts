// A log line is one JSON object with level, time, fields and event.

import { expect, it } from "vitest";
import { isLogged, logLine } from "../../src/core/log-line.ts";
import { NOW } from "../support/fakes.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;

it.each([
  ["error", ["error"]],
  ["info", ["error", "warn", "info"]],
  ["debug", [...LEVELS]],
] as const)("a log of level %s has the lines %j", (least, logged) => {
  expect(LEVELS.filter((at) => isLogged(at, least))).toEqual(logged);
});

it("omits undefined fields, and no field replaces the event", () => {
  const fields = { request_id: "r", bytes: 3, provider: undefined, event: "other" };
  expect(logLine("warn", NOW, "call", fields)).toBe(
    '{"level":"warn","time":"2026-11-23T12:00:00.000Z","request_id":"r","bytes":3,"event":"call"}',
  );
});
