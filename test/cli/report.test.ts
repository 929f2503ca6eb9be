// What `check` prints cannot change the terminal or look like another line.

import { expect, it, vi } from "vitest";
import { line } from "../../src/cli/report.ts";

it("escapes control characters and direction marks, which a provider could send", () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  line("  members", "access_token, a\u001b[2J, b\nclient, c\u009b1m, d\u202e");
  const [printed] = print.mock.calls.flat();
  print.mockRestore();
  expect(printed).toBe("  members         access_token, a\\u{1b}[2J, b\\u{a}client, c\\u{9b}1m, d\\u{202e}");
});
