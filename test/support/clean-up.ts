// Loaded with every test file: test files of a worker share its globals, so each puts them back as they were.

import { trace } from "@opentelemetry/api";
import { afterAll, vi } from "vitest";

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  trace.disable();
});
