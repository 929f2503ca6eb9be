// Whoever calls proves itself by a key in X-apikey; keys are known by their digests and never told.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { CallerCredentials } from "../../src/config/credentials.ts";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { HashText } from "../../src/core/ports.ts";
import { Secret } from "../../src/core/secret.ts";
import { createAuthenticator } from "../../src/steps/authenticate.ts";
import { asyncHashText, fakeIds, hashText, thrownBy } from "../support/fakes.ts";

const KEYS: Record<string, string> = {
  FIRST: "first-key-0123456789",
  NEXT: "next-key-0123456789",
  OTHER: "other-key-0123456789",
};

const caller = (keys: string[], serverids?: string[]): CallerCredentials => ({
  apikeys: keys.map((key) => new Secret(KEYS[key] as string)),
  client_certificates: [],
  serverids,
});
const BATCH = caller(["OTHER"]);
const CALLERS = new Map([
  ["nextauth-server", caller(["FIRST", "NEXT"], ["a", "b"])],
  ["batch", BATCH],
]);

/** By the header of the default binding. */
async function build(hash: HashText = hashText, callers = CALLERS) {
  const authenticate = await createAuthenticator(callers, { hashText: hash, ids: fakeIds() });
  return (headers: Headers, certificate: undefined, header = "x-apikey") => authenticate(headers, certificate, header);
}

const presenting = (key: string) => new Headers({ "X-apikey": key });

async function refusal(headers: Headers, hash?: HashText): Promise<TokenProxyError> {
  const authenticate = await build(hash);
  const error = await thrownBy(() => authenticate(headers, undefined));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("caller_unauthenticated");
  return error as TokenProxyError;
}

describe.each([
  ["a synchronous hash", hashText],
  ["a hash that gives a promise", asyncHashText],
])("with %s", (_, hash) => {
  it.each([
    ["FIRST", "nextauth-server"],
    ["NEXT", "nextauth-server"],
    ["OTHER", "batch"],
  ])("the key %s is one of %s", async (key, name) => {
    const authenticate = await build(hash);
    expect((await authenticate(presenting(KEYS[key] as string), undefined)).name).toBe(name);
  });

  it("an unknown key is refused", async () => {
    expect((await refusal(presenting("unknown-key-0123456789"), hash)).message).toBe(
      "the API key of the call belongs to no caller in the configuration",
    );
  });
});

it("a caller brings the serverids that it may speak for, or none where it may speak for all", async () => {
  const authenticate = await build();
  expect((await authenticate(presenting(KEYS.NEXT as string), undefined)).serverids).toEqual(new Set(["a", "b"]));
  expect((await authenticate(presenting(KEYS.OTHER as string), undefined)).serverids).toBeUndefined();
});

it("a call without a key is refused", async () => {
  expect((await refusal(new Headers())).message).toBe("the call has no API key");
});

const first = KEYS.FIRST as string;

describe("a key that is nearly right is refused", () => {
  it.each([
    ["empty", ""],
    ["a part of it", first.slice(0, -1)],
    ["more than it", `${first}x`],
    ["another case", first.toUpperCase()],
    ["with a space inside", `${first.slice(0, 5)} ${first.slice(5)}`],
    ["as a scheme's credentials", `Bearer ${first}`],
    ["two keys", `${first}, ${KEYS.NEXT}`],
    ["the name of its variable", "FIRST"],
    ["its digest", hashText(first) as string],
  ])("%s", async (_, key) => {
    await refusal(presenting(key));
  });

  it("sent twice in one call", async () => {
    const headers = presenting(first);
    headers.append("X-apikey", first);
    await refusal(headers);
  });

  it.each(["Authorization", "X-Api-Key", "apikey", "Cookie"])("in %s", async (name) => {
    await refusal(new Headers({ [name]: first }));
  });
});

describe("digests", () => {
  /** A hash whose result begins alike for all keys: every key falls into the same bucket. */
  const alike: HashText = (text) => "0".repeat(16) + (hashText(text) as string).slice(16);

  it("are compared whole, not by their beginning", async () => {
    const authenticate = await build(alike, new Map([["batch", BATCH]]));
    expect((await authenticate(presenting(KEYS.OTHER as string), undefined)).name).toBe("batch");
    expect(await thrownBy(() => authenticate(presenting("unknown-key-0123456789"), undefined))).toBeInstanceOf(
      TokenProxyError,
    );
  });

  it("are salted with 32 fresh bytes, before the key", async () => {
    const hashed: string[] = [];
    const spying: HashText = (text) => {
      hashed.push(text);
      return hashText(text);
    };
    const authenticate = await build(spying, new Map([["batch", BATCH]]));
    await authenticate(presenting(KEYS.OTHER as string), undefined);
    expect(hashed).toEqual(Array(2).fill(`${"07".repeat(32)}${KEYS.OTHER}`));
  });

  it("are made once for each known key and once for each call", async () => {
    let count = 0;
    const counting: HashText = (text) => {
      count += 1;
      return hashText(text);
    };
    const authenticate = await build(counting);
    expect(count).toBe(3);
    await authenticate(presenting(first), undefined);
    await thrownBy(() => authenticate(presenting("unknown-key-0123456789"), undefined));
    expect(count).toBe(5);
  });
});

it("no key appears in an error or in what authenticates", async () => {
  const presented = "presented-0123456789";
  const error = await refusal(presenting(presented));
  const told = inspect(error, { depth: 9 }) + JSON.stringify(error);
  const built = inspect(await build(), { depth: 9, showHidden: true });
  for (const key of [presented, ...Object.values(KEYS)]) {
    expect(told).not.toContain(key);
    expect(built).not.toContain(key);
  }
});

describe("a key in Authorization", () => {
  const authenticateBy = async (value: string | undefined, more: Record<string, string> = {}) => {
    const authenticate = await build();
    const headers = new Headers({ ...(value === undefined ? {} : { authorization: value }), ...more });
    return authenticate(headers, undefined, "authorization");
  };

  it.each([`Bearer ${first}`, `bearer ${first}`, `BEARER  ${first}`])("stands behind Bearer: %s", async (value) => {
    expect((await authenticateBy(value)).name).toBe("nextauth-server");
  });

  it.each([
    first,
    `Basic ${first}`,
    `Bearer ${first} x`,
    `Bearer ${first}, Bearer ${first}`,
    "Bearer",
    `Bearer${first}`,
  ])("does not stand in %s", async (value) => {
    const error = (await thrownBy(() => authenticateBy(value))) as TokenProxyError;
    expect([error.code, error.challenge]).toEqual(["caller_unauthenticated", 'Bearer realm="getToken"']);
  });

  it("is the only one that counts", async () => {
    await thrownBy(() => authenticateBy(undefined, { "X-apikey": first }));
    expect((await authenticateBy(`Bearer ${first}`, { "X-apikey": "another" })).name).toBe("nextauth-server");
  });
});
