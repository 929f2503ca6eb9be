// A call goes to the provider that the first matching route names, if its caller may speak for its serverid.

import { describe, expect, it } from "vitest";
import type { Route } from "../src/config/complete.ts";
import { TokenProxyError } from "../src/core/errors.ts";
import { type AskedProvider, type CallRecord, createRouter, getToken } from "../src/get-token.ts";
import type { Call } from "../src/nextauth/values.ts";
import type { TokenAnswer } from "../src/oauth/judge-answer.ts";
import { thrownBy } from "./support/fakes.ts";

const ANSWER: TokenAnswer = {
  outcome: "token",
  status: 200,
  providerStatus: 200,
  contentType: "application/json",
  body: new Uint8Array(),
};

/** A provider that notes which values it is asked with. */
function fakeProvider(name: string): AskedProvider & { asked: unknown[] } {
  const asked: unknown[] = [];
  return {
    name,
    asked,
    attributes: [],
    async requestToken(values) {
      asked.push(values("userid"), values("nonce"), values("toString"));
      return ANSWER;
    },
  };
}

const PROVIDERS = new Map(["retail", "staff"].map((name) => [name, fakeProvider(name)]));

function callFor(serverid?: string): Call {
  const values = new Map([["userid", "alice"]]);
  return serverid === undefined ? values : values.set("serverid", serverid);
}

const routed = (routes: Route[], serverid?: string) => createRouter(routes, PROVIDERS)(serverid)?.name;

/** A file without `nextauth`. */
const NONE = { defaultServerid: undefined, serverFor: () => undefined };

describe("routes", () => {
  const ROUTES = [{ serverid: "a", provider: "retail" }, { serverid: "b", provider: "staff" }, { provider: "staff" }];

  it.each([
    ["a", "retail"],
    ["b", "staff"],
    ["c", "staff"],
    ["A", "staff"],
    [undefined, "staff"],
  ])("send serverid %s to %s", (serverid, provider) => {
    expect(routed(ROUTES, serverid)).toBe(provider);
  });

  it("name none for a call that no route takes", () => {
    expect(routed([{ serverid: "a", provider: "retail" }], "b")).toBeUndefined();
    expect(routed([{ serverid: "a", provider: "retail" }])).toBeUndefined();
    expect(routed([], "a")).toBeUndefined();
  });

  it("match in their order", () => {
    expect(routed([{ provider: "staff" }, { serverid: "a", provider: "retail" }], "a")).toBe("staff");
    expect(
      routed(
        [
          { serverid: "a", provider: "staff" },
          { serverid: "a", provider: "retail" },
        ],
        "a",
      ),
    ).toBe("staff");
  });

  it("know serverids that are names of objects' own members", () => {
    expect(routed([{ serverid: "a", provider: "retail" }], "__proto__")).toBeUndefined();
    expect(routed([{ serverid: "constructor", provider: "retail" }], "constructor")).toBe("retail");
  });
});

describe("getToken", () => {
  const route = createRouter([{ serverid: "a", provider: "retail" }, { provider: "staff" }], PROVIDERS);

  function call(serverids: string[] | undefined, serverid?: string, record: CallRecord = {}) {
    const may = serverids === undefined ? undefined : new Set(serverids);
    return getToken({ route, nextauth: NONE }, { serverids: may, values: callFor(serverid), session: "trust" }, record);
  }

  it("gives the provider's answer as it is, and notes which provider it was", async () => {
    const record: CallRecord = { caller: "ns" };
    expect(await call(undefined, "a", record)).toBe(ANSWER);
    expect(record).toEqual({ caller: "ns", provider: "retail", userid: "alice" });
  });

  it("gives the provider the call's values and nothing for other names", async () => {
    const provider = PROVIDERS.get("retail");
    provider?.asked.splice(0);
    await call(undefined, "a");
    expect(provider?.asked).toEqual(["alice", undefined, undefined]);
  });

  it.each([
    ["any call of a caller for all", undefined, undefined],
    ["a serverid of a caller for all", undefined, "z"],
    ["a serverid of its caller's", ["a", "b"], "b"],
  ])("takes %s", async (_, serverids, serverid) => {
    expect(await call(serverids, serverid)).toBe(ANSWER);
  });

  it.each([
    ["another serverid", ["a", "b"], "c"],
    ["no serverid at all", ["a"], undefined],
    ["a serverid in another case", ["a"], "A"],
  ])("refuses %s of a caller for some, before it chooses a provider", async (_, serverids, serverid) => {
    const record: CallRecord = {};
    const error = (await thrownBy(() => call(serverids, serverid, record))) as TokenProxyError;
    expect(error).toBeInstanceOf(TokenProxyError);
    expect(error.code).toBe("caller_not_allowed");
    expect(error.message).toBe("the caller may not speak for the serverid of this call");
    expect(record).toEqual({ userid: "alice" });
  });

  it("refuses a call that no route takes", async () => {
    const deps = { route: createRouter([{ serverid: "a", provider: "retail" }], PROVIDERS), nextauth: NONE };
    const call = { serverids: undefined, values: callFor("b"), session: "trust" } as const;
    const error = (await thrownBy(() => getToken(deps, call, {}))) as TokenProxyError;
    expect(error.code).toBe("no_route");
    expect(error.message).toBe('no entry of "routes" matches the serverid of this call');
  });
});
