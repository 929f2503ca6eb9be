// What a call contains, whatever its binding reads: for the debug log and `check --call`.

import { describe, expect, it } from "vitest";
import { describeReceived, listReceived } from "../../src/steps/received.ts";

const request = (target = "/", headers: Record<string, string> = {}) =>
  new Request(`http://proxy.example${target}`, { headers });
const placesOf = (body: string, ...args: Parameters<typeof request>) =>
  listReceived(request(...args), body).map(({ source, value }) => [`${source.in}:${source.name}`, value]);

const FORM = { "Content-Type": "application/x-www-form-urlencoded" };

describe("lists", () => {
  it("headers, the query and the members of a JSON body, with their pointers", () => {
    const body = ' {"a/b":[1,{"c~":null}],"d":{},"e":true}';
    expect(placesOf(body, "/x?q=1&q=2", { "X-Nonce": "n" })).toEqual([
      ["header:x-nonce", "n"],
      ["query:q", "1"],
      ["query:q", "2"],
      ["body:/a~1b/0", 1],
      ["body:/a~1b/1/c~0", null],
      ["body:/e", true],
    ]);
  });

  it("the parameters of a form", () => {
    expect(placesOf("a=b+c&d", "/", FORM).slice(1)).toEqual([
      ["form:a", "b c"],
      ["form:d", ""],
    ]);
  });

  it.each(["", "{", "7", "[1]", `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`])(
    "nothing of a body that is not a JSON object, or nested too deeply: %.3s",
    (body) => {
      expect(placesOf(body)).toEqual([]);
    },
  );

  it("a limited number of each", () => {
    expect(placesOf(JSON.stringify({ a: Array(10_000).fill([1, 2]) }))).toHaveLength(64);
    expect(placesOf("a&".repeat(10_000), `/?${"b&".repeat(1_000)}`, FORM)).toHaveLength(1 + 2 * 64);
  });
});

it("describes names and types, but no value, and no name that could be one", () => {
  const body = JSON.stringify({
    user: { id: "alice", [`u${"x".repeat(30)}`]: 7, "a\nb": null },
    "a@b.example": [true],
  });
  expect(describeReceived(request("/?q=alice"), body)).toBe(
    "query:q (string), body:/user/id (string), body:/user/? (number), body:/user/? (object), body:/?/0 (boolean)",
  );
});
