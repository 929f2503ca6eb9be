// Any call gets a token or a row of the error table, and only a valid call reaches the provider.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import type { Value } from "../../src/core/values.ts";
import type { Binding } from "../../src/nextauth/settings.ts";
import { isFault, readValue } from "../../src/nextauth/values.ts";
import { writeCall } from "../../src/nextauth/write-call.ts";
import { readText } from "../../src/steps/body.ts";
import { createCallReader } from "../../src/steps/read-call.ts";
import { bind } from "../nextauth/bind.ts";
import { call, TOKEN } from "../support/app.ts";
import { APIKEY, readResponse } from "../support/call.ts";
import { anyJson, anyText, buildFuzzedApp, bytesOf, forAll, mutated, RUNS, rowOf, watchRejections } from "./fuzz.ts";

watchRejections();

/** Rows about the call itself, which then has not reached the provider. */
const REFUSALS = [
  "caller_unauthenticated",
  "caller_not_allowed",
  "call_invalid",
  "call_too_large",
  "method_not_allowed",
  "not_found",
  "no_route",
];

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
}

type App = Awaited<ReturnType<typeof buildFuzzedApp>>;

/** @returns whether the call got a token */
async function expectRow({ app, upstream }: App, sent: Sent): Promise<boolean> {
  upstream.requests.length = 0;
  const answer = await readResponse(await app.request(call(sent)));
  const code = sent.method === "HEAD" ? "method_not_allowed" : rowOf(answer);
  if (code === undefined) {
    expect([answer.status, answer.text]).toEqual([200, TOKEN]);
    expect(upstream.requests).toHaveLength(1);
    return true;
  }
  expect(REFUSALS).toContain(code);
  expect(upstream.requests).toEqual([]);
  return false;
}

const BINDINGS: [string, object][] = [
  ["the default", {}],
  ["a form or JSON", { values: { userid: ["form:userid", "body:/userid"], nonce: ["form:nonce", "header:X-nonce"] } }],
  [
    "the path and the query",
    { method: "GET", path: "/getToken/{userid}", values: { userid: ["path:userid"], nonce: ["query:nonce"] } },
  ],
  ["pointers", { values: { userid: ["body:/a~1b/0/userid", "body:/__proto__/userid"], nonce: ["body:/nonce"] } }],
  [
    "integers and optional values",
    { values: { userid: ["body:/userid"], nonce: ["header:X-nonce"], age: { from: ["body:/age"], type: "integer" } } },
  ],
];

/** Valid for every binding with a body. */
const PROPER = { userid: "alice", accountid: 7, nonce: "abc", "a/b": [{ userid: "alice" }] };
const memberName = fc.constantFrom("userid", "nonce", "serverid", "accountid", "age", "a/b", "0", "__proto__");
const userid = fc.oneof(fc.constantFrom<unknown>("alice", 7, null, true, ""), anyText);
const json = fc
  .array(fc.tuple(memberName, fc.oneof(userid, anyJson("userid", "0"))), { maxLength: 3 })
  .map((members) => JSON.stringify({ ...PROPER, ...Object.fromEntries(members) }));
const form = fc
  .array(fc.tuple(memberName, anyText), { maxLength: 4 })
  .map((members) =>
    new URLSearchParams(Object.entries({ userid: "alice", ...Object.fromEntries(members) })).toString(),
  );
const body = fc.oneof(
  json,
  form,
  mutated(json, ["{", "}", '"', ",", "\\u0000", "\\ud800", "1e999", "[", "\ufeff"]),
  mutated(form, ["&", "=", "%", "%ff", "%00", "+"]),
  fc.uint8Array({ maxLength: 64 }),
);
/** Possible values of a header. */
const headerValue = fc.oneof(
  fc.constantFrom("", "abc", "a, b", "a\tb", "\u00e9", " ", "a".repeat(600), `Bearer ${APIKEY}`, APIKEY),
  fc.string().map((text) => text.trim()),
);
const headers = fc
  .record(
    {
      "x-nonce": headerValue,
      "x-apikey": headerValue,
      authorization: headerValue,
      "content-type": fc.oneof(
        fc.constantFrom(
          "application/json",
          "application/json; charset=latin1",
          "application/x-www-form-urlencoded",
          "application/vnd.x+json",
          "text/plain",
          "",
        ),
        headerValue,
      ),
      "content-length": fc.constantFrom("0", "1", "65537", "-1", "x", "1e9"),
      "x-forwarded-for": headerValue,
      "transfer-encoding": fc.constantFrom("chunked", "gzip"),
      "x-method-override": fc.constant("GET"),
      "user-agent": headerValue,
    },
    { requiredKeys: [] },
  )
  .map((sent) => {
    // Most calls need a valid key, to get further.
    const { "x-apikey": key, ...rest } = sent;
    return key === undefined || key.length > 2 ? rest : sent;
  });
const path = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("/getToken", "/getToken/alice", "/getToken/alice?nonce=abc") },
  fc
    .array(fc.constantFrom("a", "%", "%20", "%ff", "%2", "%c3%a9", "%2f", "%00", "%2e", ";", "{userid}"), {
      maxLength: 3,
    })
    .map((parts) => `/getToken/${parts.join("")}?nonce=abc`),
  mutated(fc.constantFrom("/getToken", "/getToken/a%20b?nonce=abc&nonce=d"), [
    "/",
    "//",
    "%2e",
    "%",
    "..",
    "?",
    "#",
    "%67",
  ]),
  fc
    .array(fc.constantFrom("/", "getToken", "..", "%2f", "%00", "%", "?", "nonce=", "a", "&", ";", "\\"))
    .map((parts) => `/${parts.join("")}`),
);
const sentCall = fc.record({
  method: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("POST", "GET") },
    fc.constantFrom("PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "X", "get"),
  ),
  path,
  headers: fc.oneof(fc.constant({}), headers),
  body,
});

function isSendable({ path, headers }: Sent): boolean {
  try {
    new Headers(headers);
    return new URL(`http://proxy.example${path}`).host === "proxy.example";
  } catch {
    return false;
  }
}

describe("a call", () => {
  it.each(BINDINGS)("with %s gets a token or a row of the table", async (_, binding) => {
    const app = await buildFuzzedApp({ file: { get_token: binding } });
    let tokens = 0;
    await forAll(sentCall, async ({ body, ...rest }) => {
      const sent = { ...rest, body: /^(get|head)$/i.test(rest.method) ? undefined : body };
      if (!isSendable(sent)) return;
      if (await expectRow(app, sent)) tokens += 1;
    });
    expect(tokens).toBeGreaterThan(0);
  });
});

const NAMES = ["serverid", "userid", "accountid", "nonce", "device", "__proto__x"];
const place = fc.oneof(
  fc.tuple(fc.constantFrom("body:/"), fc.constantFrom("u", "a~1b", "~0", "in/u", "in/v", "__proto__/u", "0")),
  fc.tuple(fc.constantFrom("form:", "query:"), fc.constantFrom("u", "a b", "ü&=", "__proto__", "%41")),
  fc.tuple(fc.constant("header:"), fc.constantFrom("x-u", "x-v", "authorization")),
);
const places = fc.array(
  place.map((parts) => parts.join("")),
  { minLength: 1, maxLength: 3 },
);
const value = fc.oneof(
  anyText,
  fc.string(),
  fc.integer({ min: -(2 ** 52), max: 2 ** 52 }),
  fc.constantFrom("alice", "a b", "c+d", "%41", "...", "ü", "a,b", "7", " x ", "{userid}", "$&"),
);

/** A binding of some names, perhaps one in the path, and a value for each. */
const bound = fc
  .record({
    method: fc.constantFrom<Binding["method"]>("POST", "GET"),
    names: fc.uniqueArray(fc.tuple(fc.constantFrom(...NAMES), places, value), {
      minLength: 1,
      selector: ([name]) => name,
    }),
    inPath: fc.boolean(),
  })
  .map(({ method, names, inPath }) => {
    const used = new Set<string>();
    // Two names at one place would share a value.
    const usable = (text: string) => {
      const isUsable = !used.has(text) && (method === "POST" || !/^(body|form):/.test(text));
      used.add(text);
      return isUsable;
    };
    const bindings = names.map(([name, texts], index): [string, string[]] => [
      name,
      inPath && index === 0 ? [`path:${name}`] : texts.filter(usable),
    ]);
    const path = inPath ? `/getToken/{${names[0]?.[0]}}/x` : "/getToken";
    const values = names
      .map(([name, , given]): [string, Value] => [name, given])
      .filter(([name, given]) => !isFault(readValue(name, given, true)));
    return { binding: bind(Object.fromEntries(bindings), path, method), values: new Map(values) };
  });

describe("a call written by a binding", () => {
  it("is read back with the same values, or cannot be written", async () => {
    let read = 0;
    await forAll(
      bound,
      async ({ binding, values }) => {
        let written: ReturnType<typeof writeCall>;
        try {
          written = writeCall(binding, values);
        } catch (error) {
          if (error instanceof UsageError) return;
          throw error;
        }
        const { method, path, headers, body } = written;
        const request = new Request(`http://proxy.example${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body: bytesOf(body) }),
        });
        const back = await createCallReader(binding)(request, new URL(request.url).pathname, () => readText(request));
        expect(back).toEqual(values);
        read += 1;
      },
      3,
    );
    expect(read).toBeGreaterThan(RUNS / 10);
  });
});
