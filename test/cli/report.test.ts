// What `check` prints cannot change the terminal or look like another line.

import { expect, it, vi } from "vitest";
import { createReport } from "../../src/cli/report.ts";

const HOSTILE = "access_token, a\u001b[2J, b\nclient, c\u009b1m, d\u202e";
const ESCAPED = "access_token, a\\u{1b}[2J, b\\u{a}client, c\\u{9b}1m, d\\u{202e}";

it("escapes control characters and direction marks, which a provider could send", () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  createReport(false).part("live", "live", "one token request").ok("members", HOSTILE);
  const json = createReport(true);
  json.part("live").fail(HOSTILE, [HOSTILE]);
  const printed = print.mock.calls.flat();
  print.mockRestore();
  expect(printed.slice(1)).toEqual([`  members         ${ESCAPED}`]);
  expect(JSON.parse(json.toJson()).findings[0]).toMatchObject({ message: ESCAPED, advice: [ESCAPED] });
});

it("names the part of the file, unless the lines above are about it", () => {
  const print = vi.spyOn(console, "log").mockImplementation(() => {});
  const report = createReport(false);
  report.part("get_token", "getToken", "POST /a").warn("it is slow", "make it fast");
  report.part("server.admin").risk("admin_exposed");
  const printed = print.mock.calls.flat();
  print.mockRestore();
  expect(printed).toEqual([
    "getToken          POST /a",
    "  warning         it is slow: make it fast",
    expect.stringMatching(/^ {2}risk {12}server\.admin: admin_exposed: it has no authentication/),
  ]);
});
