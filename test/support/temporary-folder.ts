// A folder for the tests of one file, which is removed after them.

import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "token-proxy-test-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
