// Loaded with every test file: the files of a worker share its globals, so each restores them.

import { trace } from "@opentelemetry/api";
import { afterAll, vi } from "vitest";

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  trace.disable();
});
