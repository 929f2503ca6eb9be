// An error of a call carries its code and what its response needs. An error of the file has one line per fault.

import { expect, it } from "vitest";
import { ConfigError, TokenProxyError } from "../../src/core/errors.ts";

it("TokenProxyError has code, message, cause and the options", () => {
  const options = { cause: new Error("inside"), retryAfter: 5, challenge: "c", allow: "POST", detail: { a: 1 } };
  const error = new TokenProxyError("internal", "m", options);
  expect(error).toMatchObject({ name: "TokenProxyError", message: "m", code: "internal", ...options });
});

it("ConfigError has one line per fault, without a path for a fault of the whole file", () => {
  const faults = [
    { line: 1, column: 2, path: "", message: "is empty" },
    { line: 30, column: 4, path: "routes[0]", message: "is never reached" },
  ];
  const error = new ConfigError("dir/file.yaml", faults);
  expect(error.message).toBe('dir/file.yaml:1:2 is empty\ndir/file.yaml:30:4 "routes[0]" is never reached');
  expect(error).toMatchObject({ name: "ConfigError", faults });
});

it("ConfigError shows fifty faults and how many more there are", () => {
  const fault = { line: 1, column: 1, path: "", message: "is wrong" };
  const error = (count: number) =>
    new ConfigError(
      "f",
      Array.from({ length: count }, () => fault),
    );
  const lines = (count: number) => error(count).message.split("\n");
  expect([lines(50).length, lines(50).at(-1)]).toEqual([50, "f:1:1 is wrong"]);
  expect([lines(52).length, lines(52).at(-1)]).toEqual([51, "and 2 more"]);
  expect(error(52).faults).toHaveLength(52);
});
