// A call is confirmed by its session, and given the user's attributes, before anything of it reaches a provider.

import { describe, expect, it } from "vitest";
import type { Route } from "../src/config/complete.ts";
import { TokenProxyError } from "../src/core/errors.ts";
import { type AskedProvider, createRouter, type GetTokenDeps, getToken, type TokenCall } from "../src/get-token.ts";
import type { NextAuthServer } from "../src/nextauth/servers.ts";
import type { CallValue } from "../src/nextauth/values.ts";
import { thrownBy } from "./support/fakes.ts";

const NAMES = ["serverid", "userid", "accountid", "nonce", "attributes.mail", "attributes.unit", "mail"];
const CONFIRMED = { userid: "alice", accountid: 7 };
const ATTRIBUTES = { mail: "a@b.example", unit: "u", more: "x" };

interface Changes {
  /** What the provider's templates need. */
  attributes?: string[];
  defaultServerid?: string;
  /** The serverids that the nextAuth Server answers for. */
  answersFor?: string[];
  /** One for every call where not given. */
  routes?: Route[];
  /** What the check throws, or the attributes that the server knows. */
  refusal?: TokenProxyError;
  known?: Record<string, string> | TokenProxyError | undefined;
}

/** One nextAuth Server and one provider; `steps` says what happened, in order. */
function setUp(changes: Changes = {}) {
  const { attributes = [], answersFor = ["a", "b"], routes = [{ provider: "main" }], refusal } = changes;
  const known = "known" in changes ? changes.known : ATTRIBUTES;
  const steps: unknown[] = [];
  const server: NextAuthServer = {
    key: "nextauth",
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
  const provider: AskedProvider = {
    name: "main",
    attributes,
    async requestToken(values) {
      const given = NAMES.map((name) => [name, values(name)] as const).filter(([, value]) => value !== undefined);
      steps.push(["provider", Object.fromEntries(given)]);
      return { outcome: "token", status: 200, providerStatus: 200, contentType: "x", body: new Uint8Array() };
    },
  };
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

  it("a call without serverid is refused where the file names none for such calls", async () => {
    expect(await refusalOf({}, { nonce: "n", userid: "alice" })).toEqual({
      told: ["call_invalid", 'the call has no "serverid", and "nextauth" has no default for it'],
      steps: [],
    });
  });

  it("a call for a serverid that no nextAuth Server answers for is refused", async () => {
    expect(await refusalOf({}, { serverid: "z", nonce: "n" })).toEqual({
      told: ["no_route", 'no entry of "nextauth" is responsible for the serverid of this call'],
      steps: [],
    });
  });

  it("a call that no route takes is refused before its session is asked about", async () => {
    const routes = [{ serverid: "a", provider: "main" }];
    expect(await refusalOf({ routes }, { serverid: "b", nonce: "n" })).toEqual({
      told: ["no_route", 'no entry of "routes" matches the serverid of this call'],
      steps: [],
    });
  });

  it("a call of a caller for other serverids is refused before its session is asked about", async () => {
    const { told, steps } = await refusalOf({}, { serverid: "a", nonce: "n" }, "verify", ["b"]);
    expect(told[0]).toBe("caller_not_allowed");
    expect(steps).toEqual([]);
  });
});

describe("on the caller's word", () => {
  it("no session is asked about, and the provider is given the call as it is", async () => {
    const { ask, steps } = setUp();
    await ask({ serverid: "a", userid: "bob", nonce: "n" }, "trust");
    expect(steps).toEqual([["provider", { serverid: "a", userid: "bob", nonce: "n" }]]);
  });

  it("neither nonce, nor serverid, nor a nextAuth Server is needed", async () => {
    const { ask, steps } = setUp({ answersFor: [] });
    await ask({ userid: "bob" }, "trust");
    await ask({ userid: "bob", serverid: "z" }, "trust");
    expect(steps).toHaveLength(2);
  });
});

describe("the default serverid", () => {
  const ROUTES = [{ serverid: "b", provider: "main" }];

  it.each(["verify", "trust"] as const)("stands for one that a call leaves out: %s", async (session) => {
    const { ask, steps } = setUp({ defaultServerid: "b", routes: ROUTES });
    await ask({ userid: "alice", nonce: "n" }, session, ["b"]);
    expect(steps.at(-1)).toEqual(["provider", expect.objectContaining({ serverid: "b", userid: "alice" })]);
    if (session === "verify")
      expect(steps[0]).toEqual(["confirm", "b", "n", expect.objectContaining({ serverid: "b" })]);
  });

  it("does not stand for another one that a call names", async () => {
    const { ask, steps } = setUp({ defaultServerid: "b" });
    await ask({ serverid: "a", nonce: "n" });
    expect(steps[0]).toEqual(["confirm", "a", "n", { serverid: "a", nonce: "n" }]);
    expect(await refusalOf({ defaultServerid: "b", routes: ROUTES }, { serverid: "a", nonce: "n" })).toMatchObject({
      told: ["no_route", expect.any(String)],
    });
  });

  it("is refused to a caller who may not speak for it", async () => {
    const { told, steps } = await refusalOf({ defaultServerid: "b" }, { userid: "alice", nonce: "n" }, "verify", ["a"]);
    expect(told).toEqual(["caller_not_allowed", "the caller may not speak for the serverid of this call"]);
    expect(steps).toEqual([]);
  });
});

describe("attributes", () => {
  it("are fetched once, for the user whom the session confirmed, and given by their names", async () => {
    const { ask, steps } = setUp({ attributes: ["mail", "unit"] });
    await ask({ serverid: "a", nonce: "n" });
    expect(steps.slice(1)).toEqual([
      ["attributes", "a", "alice"],
      [
        "provider",
        { serverid: "a", nonce: "n", ...CONFIRMED, "attributes.mail": "a@b.example", "attributes.unit": "u" },
      ],
    ]);
  });

  it("are fetched for the user of the call where the caller is trusted", async () => {
    const { ask, steps } = setUp({ attributes: ["mail"], defaultServerid: "b" });
    await ask({ userid: "bob" }, "trust");
    expect(steps).toEqual([
      ["attributes", "b", "bob"],
      ["provider", { serverid: "b", userid: "bob", "attributes.mail": "a@b.example" }],
    ]);
  });

  it("are fetched for every call anew", async () => {
    const { ask, steps } = setUp({ attributes: ["mail"] });
    await ask({ serverid: "a", userid: "bob" }, "trust");
    await ask({ serverid: "a", userid: "bob" }, "trust");
    expect(steps.filter((step) => (step as string[])[0] === "attributes")).toHaveLength(2);
  });

  it("are not fetched for a provider that needs none", async () => {
    const { ask, steps } = setUp({ known: new TokenProxyError("attributes_failed", "not to be asked") });
    await ask({ serverid: "a", nonce: "n" });
    expect(steps.map((step) => (step as string[])[0])).toEqual(["confirm", "provider"]);
  });

  it("that the provider does not need it is not given, and a value of the call is no attribute", async () => {
    const { ask, steps } = setUp({ attributes: ["more"] });
    await ask({ serverid: "a", userid: "bob", mail: "mallory@evil.example" }, "trust");
    expect(steps.at(-1)).toEqual(["provider", { serverid: "a", userid: "bob", mail: "mallory@evil.example" }]);
  });

  it.each<[string, Changes["known"], string]>([
    ["that are not there", { unit: "u" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["in another case", { Mail: "x" }, 'the user has no attribute "mail", which "providers.main" needs'],
    ["that are none at all", {}, 'the user has no attribute "mail", which "providers.main" needs'],
    ["of a user who is not known", undefined, "the nextAuth Server does not know the user of this call"],
  ])("%s are told, and nothing reaches the provider", async (_, known, message) => {
    const { told } = await refusalOf({ attributes: ["mail"], known }, { serverid: "a", nonce: "n" });
    expect(told).toEqual(["attribute_missing", message]);
  });

  it.each(["attributes_failed", "attributes_timeout"] as const)("that end in %s end the call", async (code) => {
    const known = new TokenProxyError(code, "told by the client");
    expect((await refusalOf({ attributes: ["mail"], known }, { serverid: "a", nonce: "n" })).told).toEqual([
      code,
      "told by the client",
    ]);
  });

  it("need a serverid, and a nextAuth Server that answers for it, even where the caller is trusted", async () => {
    const attributes = ["mail"];
    expect(await refusalOf({ attributes }, { userid: "bob" }, "trust")).toEqual({
      told: ["call_invalid", 'the call has no "serverid", and "nextauth" has no default for it'],
      steps: [],
    });
    expect(await refusalOf({ attributes }, { userid: "bob", serverid: "z" }, "trust")).toEqual({
      told: ["no_route", 'no entry of "nextauth" is responsible for the serverid of this call'],
      steps: [],
    });
  });
});
