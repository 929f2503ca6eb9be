// A call is authorized, routed and confirmed before anything about it reaches a provider.

import { describe, expect, it } from "vitest";
import type { Route } from "../src/config/parse.ts";
import { startCallTime } from "../src/core/call-time.ts";
import { TokenProxyError } from "../src/core/errors.ts";
import type { CallFacts } from "../src/core/trace.ts";
import type { Value, Values } from "../src/core/values.ts";
import { type Call, getToken, type UseCase } from "../src/get-token.ts";
import type { NextAuthServer } from "../src/nextauth/servers.ts";
import type { Answer } from "../src/oauth/judge-answer.ts";
import { fakeClock, fakeTrace, thrownBy } from "./support/fakes.ts";

const ANSWER = { outcome: "token", status: 200 } as Answer;
const TRUST = { session: "trust" } as const;
/** A call that `session: verify` confirms. */
const VERIFIED = { serverid: "a", nonce: "n" };

interface Changes {
  /** The attributes that the providers need. */
  attributes?: string[];
  routes?: Route[];
  /** The error of the session check. */
  refusal?: TokenProxyError;
  /** The result or error of getUserAttributes. */
  known?: Record<string, string> | TokenProxyError | undefined;
}

/** Two providers, and a nextAuth Server for a and b. `events` has their requests, in order. */
function setUp(changes: Changes = {}) {
  const { attributes = [], routes = [{ provider: "main" }], refusal } = changes;
  const known = "known" in changes ? changes.known : { mail: "a@b.example", unit: "u", more: "x" };
  const events: [string, ...unknown[]][] = [];
  const facts: CallFacts = {};
  const server: NextAuthServer = {
    key: "nextauth",
    getSession: () => Promise.reject(new Error("getToken uses confirmSession")),
    async confirmSession(serverid, nonce, claimed) {
      events.push(["confirm", serverid, nonce, Object.fromEntries(claimed)]);
      if (refusal !== undefined) throw refusal;
      return new Map<string, Value>(Object.entries({ userid: "alice", accountid: 7 }));
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
  const run = (named: Record<string, Value>, { serverids, ...call }: Partial<Call> & { serverids?: string[] } = {}) => {
    const values = new Map(Object.entries(named));
    const time = startCallTime({ key: "get_token.timeout", ms: 8_000 }, undefined, fakeClock());
    const defaults = { values, session: "verify", trace: fakeTrace(facts), time } as const;
    return getToken(deps, { serverids: serverids && new Set(serverids) }, { ...defaults, ...call });
  };
  return { run, events, facts };
}

/** @returns code and message, and what was asked; fails if a provider was */
async function refusal(changes: Changes, ...call: Parameters<ReturnType<typeof setUp>["run"]>) {
  const { run, events } = setUp(changes);
  const error = (await thrownBy(() => run(...call))) as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  const asked = events.map(([name]) => name);
  expect(asked).not.toContain("main");
  return { error: [error.code, error.message], asked };
}

it("returns the provider's answer", async () => {
  expect(await setUp().run(VERIFIED)).toBe(ANSWER);
});

describe("routes", () => {
  const ROUTES = [{ serverid: "a", provider: "main" }, { provider: "staff" }, { serverid: "b", provider: "main" }];

  it.each([
    ["a", "main"],
    ["b", "staff"],
    ["A", "staff"],
    ["__proto__", "staff"],
    [undefined, "staff"],
  ])("send serverid %s to %s: the first match", async (serverid, provider) => {
    const { run, events, facts } = setUp({ routes: ROUTES });
    await run({ userid: "alice", ...(serverid === undefined ? {} : { serverid }) }, TRUST);
    expect([events[0]?.[0], facts.provider]).toEqual([provider, provider]);
  });

  it("are not used for a call that names its provider", async () => {
    const { run, events } = setUp({ routes: [] });
    await run({ userid: "alice" }, { ...TRUST, provider: "staff" });
    expect(events[0]?.[0]).toBe("staff");
  });

  it("refuse a call that none of them matches before its session is checked", async () => {
    expect(await refusal({ routes: [{ serverid: "b", provider: "main" }] }, VERIFIED)).toEqual({
      error: ["no_route", 'no entry of "routes" matches the serverid of this call'],
      asked: [],
    });
  });
});

describe("a caller with a list of serverids", () => {
  it("may speak for each of them", async () => {
    expect(await setUp().run({ ...VERIFIED, serverid: "b" }, { serverids: ["a", "b"] })).toBe(ANSWER);
  });

  it.each([{ serverid: "b" }, { serverid: "A" }, {}])("may not speak for others: %j", async (values) => {
    expect(await refusal({ routes: [] }, { ...values, nonce: "n" }, { serverids: ["a"] })).toEqual({
      error: ["caller_not_allowed", "the caller's serverids do not include the serverid of this call"],
      asked: [],
    });
  });
});

describe("session: verify", () => {
  it("confirms the session first, and gives the provider the confirmed user", async () => {
    const { run, events, facts } = setUp();
    await run({ ...VERIFIED, device: "d" });
    expect(events).toEqual([
      ["confirm", "a", "n", { ...VERIFIED, device: "d" }],
      ["main", { ...VERIFIED, device: "d", userid: "alice", accountid: 7 }],
    ]);
    expect(facts).toMatchObject({ nextauth: "nextauth", userid: "alice" });
  });

  it("asks nobody else after a refusal", async () => {
    const error = new TokenProxyError("session_mismatch", "from the check");
    const expected = { error: ["session_mismatch", "from the check"], asked: ["confirm"] };
    expect(await refusal({ refusal: error, attributes: ["mail"] }, VERIFIED)).toEqual(expected);
  });

  it.each<[Record<string, Value>, string, string]>([
    [{ serverid: "a" }, "call_invalid", 'the call has no "nonce", which the session check needs'],
    [{ nonce: "n" }, "call_invalid", 'the call has no "serverid", and "nextauth.serverid" sets no default'],
    [
      { serverid: "z", nonce: "n" },
      "no_route",
      'no server under "nextauth" is responsible for the serverid of this call',
    ],
  ])("refuses %j and asks nobody", async (values, ...error) => {
    expect(await refusal({}, values)).toEqual({ error, asked: [] });
  });
});

it.each([{ userid: "bob" }, { userid: "bob", serverid: "z", nonce: "n" }])(
  "session: trust gives the provider the call's own values: %j",
  async (values) => {
    const { run, events } = setUp();
    await run(values, TRUST);
    expect(events).toEqual([["main", values]]);
  },
);

describe("attributes", () => {
  it("are read for the confirmed user, and only those that templates need are passed on", async () => {
    const { run, events } = setUp({ attributes: ["mail", "unit"] });
    await run({ ...VERIFIED, userid: "claimed", mail: "mallory@evil.example" });
    const named = { mail: "mallory@evil.example", "attributes.mail": "a@b.example", "attributes.unit": "u" };
    expect(events.slice(1)).toEqual([
      ["attributes", "a", "alice"],
      ["main", { ...VERIFIED, userid: "alice", accountid: 7, ...named }],
    ]);
  });

  it("are read for the call's user if the caller is trusted, again for every call", async () => {
    const { run, events } = setUp({ attributes: ["mail"] });
    for (const _ of [1, 2]) await run({ serverid: "b", userid: "bob" }, TRUST);
    const asked = ["attributes", "b", "bob"];
    expect(events.filter(([name]) => name === "attributes")).toEqual([asked, asked]);
  });

  it.each<[string, Changes["known"], string]>([
    ["is missing", { Mail: "x" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["is empty", { mail: "" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["belongs to an unknown user", undefined, "the nextAuth Server does not know the user of this call"],
  ])("refuse a call if one %s", async (_, known, message) => {
    const { error } = await refusal({ attributes: ["mail"], known }, VERIFIED);
    expect(error).toEqual(["attribute_missing", message]);
  });

  it("refuse a call if they cannot be read", async () => {
    const known = new TokenProxyError("attributes_timeout", "from the client");
    const { error } = await refusal({ attributes: ["mail"], known }, VERIFIED);
    expect(error).toEqual(["attributes_timeout", "from the client"]);
  });

  it.each([
    [{ userid: "bob" }, "call_invalid"],
    [{ userid: "bob", serverid: "z" }, "no_route"],
  ])("need a nextAuth Server, also if the caller is trusted: %j", async (values, code) => {
    const { error, asked } = await refusal({ attributes: ["mail"] }, values, TRUST);
    expect([error[0], asked]).toEqual([code, []]);
  });
});

describe("a pattern for the userid", () => {
  const useridRule = { type: "text", max_length: 64, pattern: /^al(.+)$/su } as const;

  it("is applied last: the nextAuth Server is asked with the whole userid", async () => {
    const { run, events } = setUp({ attributes: ["unit"] });
    await run({ ...VERIFIED, userid: "alice" }, { useridRule });
    expect(events).toEqual([
      ["confirm", "a", "n", { ...VERIFIED, userid: "alice" }],
      ["attributes", "a", "alice"],
      ["main", { ...VERIFIED, userid: "ice", accountid: 7, "attributes.unit": "u" }],
    ]);
  });

  it("also applies to the userid of the session, if the call has none, and of a call that is trusted", async () => {
    const { run, events } = setUp();
    await run(VERIFIED, { useridRule });
    await run({ userid: "albert" }, { ...TRUST, useridRule });
    expect(events.filter(([name]) => name === "main")).toEqual([
      ["main", { ...VERIFIED, userid: "ice", accountid: 7 }],
      ["main", { userid: "bert" }],
    ]);
  });

  it("refuses a userid that does not match, before a provider is asked", async () => {
    const { error } = await refusal({}, { userid: "bob" }, { ...TRUST, useridRule });
    expect(error).toEqual(["call_invalid", 'the "userid" does not match its pattern under "get_token.values"']);
  });
});
