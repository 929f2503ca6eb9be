// An API key, a client certificate or both identify a caller.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { CallerCredentials } from "../../src/config/credentials.ts";
import type { ClientCertificatePin } from "../../src/config/schema-nextauth.ts";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { ClientCertificate } from "../../src/core/inbound.ts";
import type { HashText } from "../../src/core/ports.ts";
import { Secret } from "../../src/core/secret.ts";
import { createAuthenticator } from "../../src/steps/authenticate.ts";
import { asyncHashText, fakeIds, hashText, thrownBy } from "../support/fakes.ts";

const OLD = "old-key-0123456789";
const NEW = "new-key-0123456789";
const BOTH_KEY = "both-key-0123456789";
const OTHER = "other-key-0123456789";
const UNKNOWN = "unknown-key-0123456789";
const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];

type NamedCaller = [string, CallerCredentials];

function caller(name: string, keys: string[], pins: ClientCertificatePin[] = [], serverids?: string[]): NamedCaller {
  return [name, { apikeys: keys.map((key) => new Secret(key)), client_certificates: pins, serverids }];
}

const BY_KEY = caller("by-key", [OLD, NEW], [], ["a", "b"]);
const BATCH = caller("batch", [OTHER]);
const BY_CERTIFICATE = caller("by-certificate", [], [{ sha256: A }, { san_dns: "ns.bank.example" }], ["s"]);
const BY_BOTH = caller("by-both", [BOTH_KEY], [{ sha256: B }, { san_dns: "both.example" }]);

interface Presented {
  key?: string | undefined;
  certificate?: ClientCertificate | undefined;
  headers?: Headers;
  /** The header of the binding. */
  header?: string;
  callers?: NamedCaller[];
  hash?: HashText;
}

async function authenticate({ key, certificate, callers, hash = hashText, header = "x-apikey", ...more }: Presented) {
  const known = new Map(callers ?? [BY_KEY, BATCH, BY_CERTIFICATE, BY_BOTH]);
  const authenticator = await createAuthenticator(known, { hashText: hash, ids: fakeIds() });
  const headers = more.headers ?? new Headers(key === undefined ? {} : { [header]: key });
  return authenticator(headers, certificate, header);
}

async function refusal(presented: Presented): Promise<TokenProxyError> {
  const error = await thrownBy(() => authenticate(presented));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("caller_unauthenticated");
  return error as TokenProxyError;
}

const certificate = (sha256: string, ...dnsNames: string[]): ClientCertificate => ({ sha256, dnsNames });

const UNKNOWN_KEY = "the API key of the call belongs to no caller in the configuration";
const NO_KEY = "the call has no API key";
const NEITHER = "the call has neither an API key nor a client certificate of a caller";
const NEEDS_BOTH = "with this API key, the call also needs a client certificate of its caller";

describe("an API key", () => {
  it.each<[string, string, Set<string> | undefined]>([
    [OLD, "by-key", new Set(["a", "b"])],
    [NEW, "by-key", new Set(["a", "b"])],
    [OTHER, "batch", undefined],
  ])("%s identifies %s with its serverids", async (key, name, serverids) => {
    expect(await authenticate({ key })).toMatchObject({ name, serverids });
    expect(await authenticate({ key, hash: asyncHashText })).toMatchObject({ name, serverids });
  });

  it.each([
    ["unknown", UNKNOWN],
    ["empty", ""],
    ["too short", OLD.slice(0, -1)],
    ["too long", `${OLD}x`],
    ["with a scheme", `Bearer ${OLD}`],
    ["sent twice", `${OLD}, ${OLD}`],
    ["replaced by its digest", hashText(OLD) as string],
  ])("is refused: %s", async (_, key) => {
    expect((await refusal({ key })).message).toBe(UNKNOWN_KEY);
    expect((await refusal({ key, hash: asyncHashText })).message).toBe(UNKNOWN_KEY);
  });

  it("does not count in another header", async () => {
    const headers = new Headers({ authorization: OLD, "x-api-key": OLD });
    expect((await refusal({ headers, callers: [BY_KEY] })).message).toBe(NO_KEY);
  });

  it("is not found in an error or in the authenticator", async () => {
    const authenticator = await createAuthenticator(new Map([BY_KEY]), { hashText, ids: fakeIds() });
    const error = await refusal({ key: UNKNOWN });
    const shown = inspect([error, authenticator], { depth: 9, showHidden: true }) + JSON.stringify(error);
    for (const key of [UNKNOWN, OLD, NEW]) expect(shown).not.toContain(key);
  });
});

describe("the digest of a key", () => {
  it("is compared completely, also with one that starts alike", async () => {
    const alike: HashText = (text) => "0".repeat(16) + (hashText(text) as string).slice(16);
    expect((await authenticate({ key: OTHER, hash: alike, callers: [BATCH] })).name).toBe("batch");
    await refusal({ key: UNKNOWN, hash: alike, callers: [BATCH] });
  });

  it("is salted with 32 random bytes, and made once per known key and once per call", async () => {
    const hashed: string[] = [];
    const hash: HashText = (text) => {
      hashed.push(text);
      return hashText(text);
    };
    await refusal({ key: UNKNOWN, hash, callers: [BY_KEY] });
    expect(hashed).toEqual([OLD, NEW, UNKNOWN].map((key) => "07".repeat(32) + key));
  });
});

describe("an API key in Authorization", () => {
  const header = "authorization";

  it.each([`Bearer ${OLD}`, `bEARER  ${OLD}`])("is accepted after Bearer: %s", async (key) => {
    expect((await authenticate({ key, header })).name).toBe("by-key");
  });

  it.each([OLD, `Basic ${OLD}`, `Bearer ${OLD} x`, "Bearer", `Bearer${OLD}`])(
    "is refused otherwise: %s",
    async (key) => {
      expect((await refusal({ key, header })).challenge).toBe('Bearer realm="getToken"');
    },
  );

  it("is the only one that counts", async () => {
    await refusal({ header, headers: new Headers({ "x-apikey": OLD }) });
    const both = new Headers({ authorization: `Bearer ${OLD}`, "x-apikey": OTHER });
    expect((await authenticate({ header, headers: both })).name).toBe("by-key");
  });
});

describe("a client certificate", () => {
  it.each([
    ["its fingerprint", certificate(A)],
    ["one of several names", certificate(C, "www.bank.example", "ns.bank.example", "x.example")],
  ])("identifies a caller without keys by %s", async (_, presented) => {
    const found = await authenticate({ certificate: presented });
    expect(found).toMatchObject({ name: "by-certificate", serverids: new Set(["s"]) });
  });

  it.each([
    ["no certificate", undefined],
    ["another certificate", certificate(C)],
    ["a parent domain of its name", certificate(C, "bank.example", "example")],
    ["a subdomain of its name", certificate(C, "x.ns.bank.example")],
    ["its fingerprint as a name", certificate(C, A)],
    ["its name as a fingerprint", certificate("ns.bank.example")],
    ["the fingerprint of a caller that also needs its key", certificate(B)],
    ["the name of a caller that also needs its key", certificate(C, "both.example")],
  ])("does not identify a caller: %s", async (_, presented) => {
    expect((await refusal({ certificate: presented })).message).toBe(NEITHER);
  });

  it.each([UNKNOWN, ""])("does not make up for a wrong key: %j", async (key) => {
    expect((await refusal({ key, certificate: certificate(A) })).message).toBe(UNKNOWN_KEY);
    expect((await refusal({ key, certificate: certificate(B) })).message).toBe(UNKNOWN_KEY);
  });

  it("does not matter to a caller that only has keys", async () => {
    expect((await authenticate({ key: OTHER, certificate: certificate(A) })).name).toBe("batch");
  });

  it("is only mentioned to a caller without a key if some caller needs no key", async () => {
    expect((await refusal({ callers: [BY_KEY, BY_BOTH], certificate: certificate(B) })).message).toBe(NO_KEY);
    expect((await refusal({ callers: [BY_CERTIFICATE] })).message).toBe(NEITHER);
  });
});

describe("a caller with keys and certificates", () => {
  it.each([certificate(B), certificate(C, "both.example")])("is identified by one of each", async (presented) => {
    expect((await authenticate({ key: BOTH_KEY, certificate: presented })).name).toBe("by-both");
  });

  it.each([
    ["without a certificate", undefined],
    ["with an unknown certificate", certificate(C, "x.example")],
    ["with another caller's certificate", certificate(A, "ns.bank.example")],
  ])("is refused %s", async (_, presented) => {
    expect((await refusal({ key: BOTH_KEY, certificate: presented })).message).toBe(NEEDS_BOTH);
  });

  it("is identified by its key if it shares its certificate", async () => {
    const callers = [caller("first", [OLD], [{ sha256: A }]), caller("second", [NEW], [{ sha256: A }])];
    expect((await authenticate({ key: OLD, certificate: certificate(A), callers })).name).toBe("first");
    expect((await authenticate({ key: NEW, certificate: certificate(A), callers })).name).toBe("second");
  });
});
