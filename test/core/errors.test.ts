// An error of a call carries its code; an error of the file carries every fault as one line.

import { describe, expect, it } from "vitest";
import { ConfigError, TokenProxyError } from "../../src/core/errors.ts";

describe("an error of a call", () => {
  it("carries code, cause and what goes with the answer", () => {
    const cause = new Error("inside");
    const options = { cause, retryAfter: 5, allow: "POST", detail: { provider_status: 500 } };
    expect(new TokenProxyError("internal", "m", options)).toMatchObject({
      name: "TokenProxyError",
      message: "m",
      code: "internal",
      ...options,
    });
  });

  it("carries nothing that it was not given", () => {
    const { cause, retryAfter, allow, detail } = new TokenProxyError("internal", "m");
    expect([cause, retryAfter, allow, detail]).toEqual([undefined, undefined, undefined, undefined]);
  });
});

it("an error of the file is one line for each fault, a fault of the whole file without a path", () => {
  const faults = [
    { line: 1, column: 2, path: "", message: "is empty" },
    { line: 30, column: 4, path: "routes[0]", message: "is never reached" },
  ];
  const error = new ConfigError("dir/file.yaml", faults);
  expect(error.name).toBe("ConfigError");
  expect(error.message).toBe('dir/file.yaml:1:2 is empty\ndir/file.yaml:30:4 "routes[0]" is never reached');
  expect(error.faults).toEqual(faults);
});

it("an error of the file with more faults than anybody reads at once tells fifty, and how many there are", () => {
  const faults = Array.from({ length: 52 }, (_, index) => ({
    line: index + 1,
    column: 1,
    path: "",
    message: "is wrong",
  }));
  const lines = (count: number) => new ConfigError("f", faults.slice(0, count)).message.split("\n");
  expect([lines(50).length, lines(50).at(-1)]).toEqual([50, "f:50:1 is wrong"]);
  expect([lines(52).length, lines(52).at(-1)]).toEqual([51, "and 2 more"]);
  expect(new ConfigError("f", faults).faults).toHaveLength(52);
});
