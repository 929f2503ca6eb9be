// A call is authorized, routed and confirmed by its session before anything about it reaches a provider.

import { describe, expect, it } from "vitest";
import type { Route } from "../src/config/complete.ts";
import { TokenProxyError } from "../src/core/errors.ts";
import type { CallFacts } from "../src/core/trace.ts";
import type { Value, Values } from "../src/core/values.ts";
import { type Call, getToken, type UseCase } from "../src/get-token.ts";
import type { NextAuthServer } from "../src/nextauth/servers.ts";
import type { Answer } from "../src/oauth/judge-answer.ts";
import { fakeTrace, thrownBy } from "./support/fakes.ts";

const SESSION: Values = new Map<string, Value>([
  ["userid", "alice"],
  ["accountid", 7],
]);
const ANSWER: Answer = {
  outcome: "token",
  status: 200,
  providerStatus: 200,
  contentType: "application/json",
  body: new Uint8Array(),
};

interface Changes {
  /** The attributes that the providers need. */
  attributes?: string[];
  routes?: Route[];
  /** What the session check throws. */
  refusal?: TokenProxyError;
  /** What getUserAttributes returns or throws. */
  known?: Record<string, string> | TokenProxyError | undefined;
}

/** Two providers and a nextAuth Server for the serverids a and b. `events` lists what happened, in order. */
function setUp(changes: Changes = {}) {
  const { attributes = [], routes = [{ provider: "main" }], refusal } = changes;
  const known = "known" in changes ? changes.known : { mail: "a@b.example", unit: "u", more: "x" };
  const events: unknown[] = [];
  const facts: CallFacts = {};
  const server: NextAuthServer = {
    key: "nextauth",
    getSession: () => Promise.reject(new Error("confirmSession asks it")),
    async confirmSession(serverid, nonce, claimed) {
      events.push(["confirm", serverid, nonce, Object.fromEntries(claimed)]);
      if (refusal !== undefined) throw refusal;
      return SESSION;
    },
    async getUserAttributes(serverid, userid) {
      events.push(["attributes", serverid, userid]);
      if (known instanceof Error) throw known;
      return known && new Map(Object.entries(known));
    },
  };
  const provider = (name: string) => ({
    name,
    attributes,
    async requestToken(values: Values) {
      events.push([name, Object.fromEntries(values)]);
      return ANSWER;
    },
  });
  const deps: UseCase = {
    routes,
    providers: new Map(["main", "staff"].map((name) => [name, provider(name)])),
    nextauth: { serverFor: (serverid) => (["a", "b"].includes(serverid) ? server : undefined) },
  };
  const run = (values: Record<string, Value>, { serverids, ...call }: Partial<Call> & { serverids?: string[] } = {}) =>
    getToken(
      deps,
      { serverids: serverids && new Set(serverids) },
      {
        values: new Map(Object.entries(values)),
        session: "verify",
        trace: fakeTrace(facts),
        recipient: undefined,
        ...call,
      },
    );
  return { run, events, facts };
}

type RunParameters = Parameters<ReturnType<typeof setUp>["run"]>;

/** @returns code and message; fails if anything about the call has reached a provider */
async function refusalOf(changes: Changes, ...call: RunParameters) {
  const { run, events } = setUp(changes);
  const error = (await thrownBy(() => run(...call))) as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  const names = events.map((event) => (event as string[])[0]);
  expect(names).not.toContain("main");
  return { error: [error.code, error.message], events };
}

const TRUST = { session: "trust" } as const;

describe("the answer", () => {
  it("is the provider's own object", async () => {
    expect(await setUp().run({ serverid: "a", nonce: "n" })).toBe(ANSWER);
  });
});

describe("routes", () => {
  const ROUTES = [{ serverid: "a", provider: "main" }, { serverid: "b", provider: "staff" }, { provider: "staff" }];

  it.each([
    ["a", "main"],
    ["b", "staff"],
    ["c", "staff"],
    ["A", "staff"],
    ["__proto__", "staff"],
    [undefined, "staff"],
  ])("send serverid %s to %s", async (serverid, provider) => {
    const { run, events, facts } = setUp({ routes: ROUTES });
    await run({ userid: "alice", ...(serverid === undefined ? {} : { serverid }) }, TRUST);
    expect((events[0] as string[])[0]).toBe(provider);
    expect(facts.provider).toBe(provider);
  });

  it("are tried in order", async () => {
    const { run, events } = setUp({ routes: [{ provider: "staff" }, { serverid: "a", provider: "main" }] });
    await run({ userid: "alice", serverid: "a" }, TRUST);
    expect((events[0] as string[])[0]).toBe("staff");
  });

  it("do not matter to a call that names its provider", async () => {
    const { run, events } = setUp({ routes: [] });
    await run({ userid: "alice" }, { ...TRUST, provider: "staff" });
    expect((events[0] as string[])[0]).toBe("staff");
  });

  it("that do not match refuse the call before its session is checked", async () => {
    const routes = [{ serverid: "a", provider: "main" }];
    expect(await refusalOf({ routes }, { serverid: "b", nonce: "n" })).toEqual({
      error: ["no_route", 'no entry of "routes" matches the serverid of this call'],
      events: [],
    });
  });
});

describe("a caller with a list of serverids", () => {
  it("may speak for one of them", async () => {
    expect(await setUp().run({ serverid: "b", nonce: "n" }, { serverids: ["a", "b"] })).toBe(ANSWER);
  });

  it.each([
    ["another one", { serverid: "b" }],
    ["one in another case", { serverid: "A" }],
    ["none, which could be any", {}],
  ])("may not speak for %s, and nobody is asked", async (_, values) => {
    expect(await refusalOf({}, { ...values, nonce: "n" }, { serverids: ["a"] })).toEqual({
      error: ["caller_not_allowed", "the caller may not speak for the serverid of this call"],
      events: [],
    });
  });
});

describe("with session: verify", () => {
  it("the session is checked first, and the provider gets the confirmed user", async () => {
    const { run, events, facts } = setUp();
    await run({ serverid: "a", nonce: "n", device: "d" });
    expect(events).toEqual([
      ["confirm", "a", "n", { serverid: "a", nonce: "n", device: "d" }],
      ["main", { serverid: "a", nonce: "n", device: "d", userid: "alice", accountid: 7 }],
    ]);
    expect(facts).toMatchObject({ nextauth: "nextauth", userid: "alice" });
  });

  it.each(["session_not_logged_in", "session_mismatch", "session_check_failed", "session_check_timeout"] as const)(
    "nothing reaches the provider after %s",
    async (code) => {
      const refusal = new TokenProxyError(code, "from the check");
      const { error, events } = await refusalOf({ refusal, attributes: ["mail"] }, { serverid: "a", nonce: "n" });
      expect(error).toEqual([code, "from the check"]);
      expect(events).toHaveLength(1);
    },
  );

  it.each<[string, Record<string, Value>, string, string]>([
    ["no nonce", { serverid: "a" }, "call_invalid", 'the call has no "nonce", which the session check needs'],
    ["no serverid", { nonce: "n" }, "call_invalid", 'the call has no "serverid", and "nextauth" has no default for it'],
    [
      "a serverid of no nextAuth Server",
      { serverid: "z", nonce: "n" },
      "no_route",
      'no entry of "nextauth" is responsible for the serverid of this call',
    ],
  ])("a call with %s is refused, and nobody is asked", async (_, values, ...error) => {
    expect(await refusalOf({}, values)).toEqual({ error, events: [] });
  });
});

describe("with session: trust", () => {
  it("the provider gets the call as it is; no nonce, serverid or nextAuth Server is needed", async () => {
    const { run, events } = setUp();
    await run({ userid: "bob" }, TRUST);
    await run({ userid: "bob", serverid: "z", nonce: "n" }, TRUST);
    expect(events).toEqual([
      ["main", { userid: "bob" }],
      ["main", { userid: "bob", serverid: "z", nonce: "n" }],
    ]);
  });
});

describe("attributes", () => {
  it("are read for the confirmed user, and passed on under their names", async () => {
    const { run, events } = setUp({ attributes: ["mail", "unit"] });
    await run({ serverid: "a", nonce: "n" });
    expect(events.slice(1)).toEqual([
      ["attributes", "a", "alice"],
      ["main", expect.objectContaining({ userid: "alice", "attributes.mail": "a@b.example", "attributes.unit": "u" })],
    ]);
  });

  it("are read for the call's user if the caller is trusted, and again for every call", async () => {
    const { run, events } = setUp({ attributes: ["mail"] });
    await run({ serverid: "b", userid: "bob" }, TRUST);
    await run({ serverid: "b", userid: "bob" }, TRUST);
    const reads = events.filter((event) => (event as string[])[0] === "attributes");
    expect(reads).toEqual([
      ["attributes", "b", "bob"],
      ["attributes", "b", "bob"],
    ]);
  });

  it("that no template needs are neither read nor passed on", async () => {
    const { run, events } = setUp({ attributes: ["more"] });
    await run({ serverid: "a", userid: "bob", mail: "mallory@evil.example" }, TRUST);
    expect(events.at(-1)).toEqual([
      "main",
      { serverid: "a", userid: "bob", mail: "mallory@evil.example", "attributes.more": "x" },
    ]);
    const none = setUp();
    await none.run({ serverid: "a", userid: "bob" }, TRUST);
    expect(none.events).toHaveLength(1);
  });

  it.each<[string, Changes["known"], string]>([
    ["missing", { unit: "u" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["in another case", { Mail: "x" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["of an unknown user", undefined, "the nextAuth Server does not know the user of this call"],
  ])("that are %s refuse the call", async (_, known, message) => {
    const { error } = await refusalOf({ attributes: ["mail"], known }, { serverid: "a", nonce: "n" });
    expect(error).toEqual(["attribute_missing", message]);
  });

  it.each(["attributes_failed", "attributes_timeout"] as const)("that end in %s end the call", async (code) => {
    const known = new TokenProxyError(code, "from the client");
    const { error } = await refusalOf({ attributes: ["mail"], known }, { serverid: "a", nonce: "n" });
    expect(error).toEqual([code, "from the client"]);
  });

  it.each([
    [{ userid: "bob" }, "call_invalid"],
    [{ userid: "bob", serverid: "z" }, "no_route"],
  ])("need a serverid of a nextAuth Server, even if the caller is trusted: %j", async (values, code) => {
    const { error, events } = await refusalOf({ attributes: ["mail"] }, values, TRUST);
    expect(error[0]).toBe(code);
    expect(events).toEqual([]);
  });
});
