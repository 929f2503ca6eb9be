// A call is confirmed by its session, and given the user's attributes, before anything of it reaches a provider.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/errors.ts";
import { createRouter, type GetTokenDeps, getToken, type TokenCall } from "../../src/get-token.ts";
import type { NextAuthServer } from "../../src/nextauth/servers.ts";
import type { CallValue } from "../../src/nextauth/values.ts";
import type { Provider } from "../../src/oauth/provider.ts";
import { thrownBy } from "./fakes.ts";

const NAMES = ["serverid", "userid", "accountid", "nonce", "attributes.mail", "attributes.unit", "mail"];
const CONFIRMED = { userid: "alice", accountid: 7 };
const ATTRIBUTES = { mail: "a@b.example", unit: "", more: "x" };

interface Changes {
  /** What the provider's templates need. */
  attributes?: string[];
  defaultServerid?: string;
  /** The serverids that the nextAuth Server answers for. */
  answersFor?: string[];
  /** Those that go to a provider. */
  routed?: string[];
  /** What the check throws, or the attributes that the server knows. */
  refusal?: TokenProxyError;
  known?: Record<string, string> | TokenProxyError | undefined;
}

/** One nextAuth Server and one provider; `steps` says what happened, in order. */
function setUp(changes: Changes = {}) {
  const { attributes = [], answersFor = ["a", "b"], routed = ["a", "b", "z"], refusal } = changes;
  const known = "known" in changes ? changes.known : ATTRIBUTES;
  const steps: unknown[] = [];
  const server: NextAuthServer = {
    getSession: () => Promise.reject(new Error("confirmSession asks it")),
    async confirmSession(serverid, nonce, call) {
      steps.push(["confirm", serverid, nonce, Object.fromEntries(call)]);
      if (refusal !== undefined) throw refusal;
      return new Map([...call, ...Object.entries(CONFIRMED)]);
    },
    async getUserAttributes(serverid, userid) {
      steps.push(["attributes", serverid, userid]);
      if (known instanceof Error) throw known;
      return known && new Map(Object.entries(known));
    },
  };
  const provider: Provider = {
    name: "main",
    discovery: undefined,
    attributes,
    async requestToken(values) {
      const given = NAMES.map((name) => [name, values(name)] as const).filter(([, value]) => value !== undefined);
      steps.push(["provider", Object.fromEntries(given)]);
      return { outcome: "token", status: 200, providerStatus: 200, contentType: "x", body: new Uint8Array() };
    },
  };
  const routes = routed.map((serverid) => ({ serverid, provider: "main" }));
  const deps: GetTokenDeps = {
    route: createRouter(routes, new Map([["main", provider]])),
    nextauth: {
      defaultServerid: changes.defaultServerid,
      serverFor: (serverid) => (answersFor.includes(serverid) ? server : undefined),
    },
  };
  const ask = (values: Record<string, CallValue>, session: TokenCall["session"] = "verify", serverids?: string[]) =>
    getToken(
      deps,
      { values: new Map(Object.entries(values)), session, serverids: serverids && new Set(serverids) },
      {},
    );
  return { ask, steps };
}

type Asked = Parameters<ReturnType<typeof setUp>["ask"]>;

/** @returns code and message; fails where anything of the call has reached the provider */
async function refusalOf(changes: Changes, ...asked: Asked): Promise<{ told: string[]; steps: unknown[] }> {
  const { ask, steps } = setUp(changes);
  const error = (await thrownBy(() => ask(...asked))) as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  expect(steps.map((step) => (step as string[])[0])).not.toContain("provider");
  return { told: [error.code, error.message], steps };
}

describe("with the session check", () => {
  it("the session is asked about first, and the provider is given what it says", async () => {
    const { ask, steps } = setUp();
    await ask({ serverid: "a", nonce: "n", userid: "alice" });
    expect(steps).toEqual([
      ["confirm", "a", "n", { serverid: "a", nonce: "n", userid: "alice" }],
      ["provider", { serverid: "a", nonce: "n", ...CONFIRMED }],
    ]);
  });

  it.each(["session_not_logged_in", "session_mismatch", "session_check_failed", "session_check_timeout"] as const)(
    "nothing reaches the provider after %s",
    async (code) => {
      const refusal = new TokenProxyError(code, "told by the check");
      const { told, steps } = await refusalOf({ refusal, attributes: ["mail"] }, { serverid: "a", nonce: "n" });
      expect(told).toEqual([code, "told by the check"]);
      expect(steps).toHaveLength(1);
    },
  );

  it("a call without nonce is refused, and nobody is asked", async () => {
    expect(await refusalOf({}, { serverid: "a", userid: "alice" })).toEqual({
      told: ["call_invalid", 'the call has no "nonce", which the session check needs'],
      steps: [],
    });
  });

  it("a call without serverid is refused where there is no default", async () => {
    const all = setUp({ routed: [] });
    expect(await thrownBy(() => all.ask({ nonce: "n" }))).toMatchObject({ code: "no_route" });
    // Only a route for every call takes it so far.
    const { ask, steps } = withRouteForAll();
    const error = await thrownBy(() => ask({ nonce: "n", userid: "alice" }));
    expect(error).toMatchObject({
      code: "call_invalid",
      message: 'the call has no "serverid", and "nextauth" names none for such calls',
    });
    expect(steps).toEqual([]);
  });

  it("a call for a serverid that no nextAuth Server answers for is refused", async () => {
    expect(await refusalOf({}, { serverid: "z", nonce: "n" })).toEqual({
      told: ["no_route", 'no entry of "nextauth" takes the serverid of this call'],
      steps: [],
    });
  });

  it("a call that no route takes is refused before its session is asked about", async () => {
    expect((await refusalOf({ answersFor: ["q"] }, { serverid: "q", nonce: "n" })).steps).toEqual([]);
  });

  it("a call of a caller for other serverids is refused before its session is asked about", async () => {
    const { told, steps } = await refusalOf({}, { serverid: "a", nonce: "n" }, "verify", ["b"]);
    expect(told[0]).toBe("caller_not_allowed");
    expect(steps).toEqual([]);
  });
});

/** As setUp, with one route that takes every call. */
function withRouteForAll() {
  const steps: unknown[] = [];
  const provider: Provider = {
    name: "main",
    discovery: undefined,
    attributes: [],
    requestToken: async () => {
      steps.push("provider");
      throw new Error("not to be asked");
    },
  };
  const deps: GetTokenDeps = {
    route: () => provider,
    nextauth: { defaultServerid: undefined, serverFor: () => undefined },
  };
  const ask = (values: Record<string, CallValue>) =>
    getToken(deps, { values: new Map(Object.entries(values)), session: "verify", serverids: undefined }, {});
  return { ask, steps };
}
