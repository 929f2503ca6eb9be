// What is written by a binding is read back by it, value for value, over every combination of places.

import { describe, expect, it } from "vitest";
import type { Value } from "../../src/core/values.ts";
import type { Binding } from "../../src/nextauth/binding.ts";
import { writeCall } from "../../src/nextauth/write-call.ts";
import { createCallReader } from "../../src/steps/read-call.ts";
import { bind } from "./bind.ts";

async function readBack(binding: Binding, values: Record<string, Value>) {
  const { method, path, headers, body } = writeCall(binding, new Map(Object.entries(values)));
  const request = new Request(`http://proxy.example${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  // The path as the runtime has it: nothing of it may have been resolved on the way.
  const sent = new URL(request.url).pathname;
  return Object.fromEntries(await createCallReader(binding)(request, sent));
}

/** Every way to give each of the names one of the kinds of places. */
function combinations(names: readonly string[], kinds: readonly string[]): string[][] {
  return names.reduce<string[][]>((all, _) => all.flatMap((one) => kinds.map((kind) => [...one, kind])), [[]]);
}

const NAMES = ["serverid", "userid", "accountid", "nonce"];
const VALUES = { serverid: "a+/b=", userid: "alice&b=c d%2F", accountid: 7, nonce: "n0nce+/=" };

function bindingOf(kinds: readonly string[], method: Binding["method"]): Binding {
  const placed = NAMES.map((name, index) => [name, kinds[index]] as const);
  const segments = placed.filter(([, kind]) => kind === "path").map(([name]) => `/{${name}}`);
  const places = placed.map(([name, kind]) => [name, [kind === "body" ? `body:/in/${name}` : `${kind}:${name}`]]);
  return bind(Object.fromEntries(places), `/getToken${segments.join("")}/x`, method);
}

describe.each([
  ["GET", ["header", "query", "path"]],
  ["POST", ["header", "query", "path", "body"]],
  ["POST", ["header", "query", "path", "form"]],
] as const)("a %s with values in %j", (method, kinds) => {
  it("is read back from wherever its values stand", async () => {
    const all = combinations(NAMES, kinds);
    expect(all).toHaveLength(kinds.length ** NAMES.length);
    for (const combination of all) {
      expect(await readBack(bindingOf(combination, method), VALUES)).toEqual(VALUES);
    }
  });
});

describe("a userid", () => {
  const TEXTS = [
    "alice@bank.example",
    "Алиса 😀",
    " a ",
    "a+b%2Bc",
    "%",
    "%ff",
    "a/../b",
    "...",
    "?#&=;",
    "\\\"'",
    "__proto__",
    "{userid}",
    "$&",
    "x".repeat(1_024),
  ];

  it.each(["body:/u", "body:/__proto__/constructor", "body:/a~1b/~0/~01", "form:u", "form:__proto__", "query:ü &"])(
    "at %s is read back, whatever it is",
    async (place) => {
      for (const userid of TEXTS) expect(await readBack(bind({ userid: [place] }), { userid })).toEqual({ userid });
    },
  );

  it("in a path is read back, whatever it is", async () => {
    for (const userid of TEXTS) {
      expect(await readBack(bind({ userid: ["path:u"] }, "/users/{u}/token", "GET"), { userid })).toEqual({ userid });
    }
  });

  it.each(["body:/u", "form:u", "query:u"])(
    "is read back from %s where the header before it cannot carry it",
    async (place) => {
      const binding = bind({ userid: ["header:X-user", place] });
      for (const userid of [...TEXTS, ".", ".."]) expect(await readBack(binding, { userid })).toEqual({ userid });
    },
  );
});

it("a value with a space stands elsewhere than behind Bearer", async () => {
  const binding = bind({ userid: ["header:Authorization", "header:X-user"] });
  for (const userid of ["alice", "a b", "a  b c"]) expect(await readBack(binding, { userid })).toEqual({ userid });
});

it("values that share a place are read back each by its name", async () => {
  const values = { userid: "alice", subject: "alice" };
  for (const place of ["body:/u", "form:u", "query:u", "header:X-user"]) {
    expect(await readBack(bind({ userid: [place], subject: [place] }), values)).toEqual(values);
  }
});

it("a value that is not given is not read", async () => {
  const binding = bind({ userid: ["body:/u"], serverid: ["body:/s"], nonce: ["header:X-nonce", "body:/n"] });
  expect(await readBack(binding, { userid: "alice" })).toEqual({ userid: "alice" });
});
