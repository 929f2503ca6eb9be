// What `check` prints cannot change the terminal or look like another line.

import { expect, it, vi } from "vitest";
import { createReport } from "../../src/cli/report.ts";

const HOSTILE = "access_token, a\u001b[2J, b\nclient, c\u009b1m, d\u202e";
const ESCAPED = "access_token, a\\u{1b}[2J, b\\u{a}client, c\\u{9b}1m, d\\u{202e}";

it("escapes control characters and direction marks, which a provider could send", () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  createReport(false).part("live").ok("members", HOSTILE);
  const json = createReport(true);
  json.part("live").fail(HOSTILE, { advice: [HOSTILE] });
  const printed = print.mock.calls.flat();
  print.mockRestore();
  expect(printed).toEqual([`  members         ${ESCAPED}`]);
  expect(JSON.parse(json.toJson()).findings[0]).toMatchObject({ message: ESCAPED, advice: [ESCAPED] });
});
