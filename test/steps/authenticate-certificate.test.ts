// A caller may prove itself by a client certificate, alone or beside its key; of each, any one of its own will do.

import { describe, expect, it } from "vitest";
import type { CallerCredentials } from "../../src/config/credentials.ts";
import type { ClientCertificatePin } from "../../src/config/schema-nextauth.ts";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { ClientCertificate } from "../../src/core/inbound.ts";
import { Secret } from "../../src/core/secret.ts";
import { createAuthenticator } from "../../src/steps/authenticate.ts";
import { fakeIds, hashText, thrownBy } from "../support/fakes.ts";

const KEY = "first-key-0123456789";
const OTHER_KEY = "other-key-0123456789";
const A = "a".repeat(64);
const B = "b".repeat(64);
const C = "c".repeat(64);

const caller = (apikeys: string[], client_certificates: ClientCertificatePin[], serverids?: string[]) => ({
  apikeys: apikeys.map((key) => new Secret(key)),
  client_certificates,
  serverids,
});
/** Whoever has the key alone, the certificate alone, or needs both. */
const BY_KEY: [string, CallerCredentials] = ["by-key", caller([OTHER_KEY], [])];
const BY_CERTIFICATE: [string, CallerCredentials] = [
  "by-certificate",
  caller([], [{ sha256: A }, { san_dns: "ns.bank.example" }], ["s"]),
];
const BY_BOTH: [string, CallerCredentials] = ["by-both", caller([KEY], [{ sha256: B }, { san_dns: "both.example" }])];
const ALL = [BY_KEY, BY_CERTIFICATE, BY_BOTH];

const certificate = (fingerprint: string, ...dnsNames: string[]): ClientCertificate => ({
  sha256: fingerprint,
  dnsNames,
});

async function authenticate(key: string | undefined, presented: ClientCertificate | undefined, callers = ALL) {
  const authenticator = await createAuthenticator(new Map(callers), { hashText, ids: fakeIds() });
  return authenticator(new Headers(key === undefined ? {} : { "x-apikey": key }), presented, "x-apikey");
}

async function refusal(...given: Parameters<typeof authenticate>): Promise<string> {
  const error = await thrownBy(() => authenticate(...given));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("caller_unauthenticated");
  return (error as Error).message;
}

const UNKNOWN_KEY = "the API key of the call belongs to no caller in the configuration";
const NEITHER = "the call has neither an API key nor a client certificate of a caller";
const NEEDS_BOTH = "the call has no client certificate of its caller, which is required with the API key";

describe("a caller by its certificate", () => {
  it.each([
    ["its fingerprint", certificate(A)],
    ["its name", certificate(C, "ns.bank.example")],
    ["one of its names", certificate(C, "www.bank.example", "ns.bank.example", "x.example")],
    ["both", certificate(A, "ns.bank.example")],
  ])("is known by %s", async (_, presented) => {
    expect(await authenticate(undefined, presented)).toMatchObject({
      name: "by-certificate",
      serverids: new Set(["s"]),
    });
  });

  it.each([
    ["no certificate", undefined],
    ["another certificate", certificate(C)],
    ["another name", certificate(C, "bank.example")],
    ["a name below its own", certificate(C, "x.ns.bank.example")],
    ["a name above its own", certificate(C, "bank.example", "example")],
    ["a wildcard that covers its name", certificate(C, "*.bank.example")],
    ["a name that is its fingerprint", certificate(C, A)],
    ["a fingerprint that is its name", certificate("ns.bank.example")],
    ["a fingerprint in another case", certificate(A.toUpperCase())],
    ["a part of its fingerprint", certificate(A.slice(1))],
    ["an empty one", certificate("", "")],
    ["the certificate of a caller that needs a key beside it", certificate(B)],
    ["the name of a caller that needs a key beside it", certificate(C, "both.example")],
  ])("is refused with %s", async (_, presented) => {
    expect(await refusal(undefined, presented)).toBe(NEITHER);
  });

  it.each(["unknown-key-0123456789", "", KEY.slice(1), "undefined"])(
    "is refused where it sends a key that is none beside it: %j",
    async (key) => {
      expect(await refusal(key, certificate(A))).toBe(UNKNOWN_KEY);
    },
  );
});

describe("a caller by its key", () => {
  it.each([
    ["none", undefined],
    ["one that nobody knows", certificate(C)],
    ["that of another caller", certificate(A)],
  ])("needs no certificate, and is itself with %s", async (_, presented) => {
    expect((await authenticate(OTHER_KEY, presented)).name).toBe("by-key");
  });
});

describe("a caller by both", () => {
  it.each([
    ["its fingerprint", certificate(B)],
    ["its name", certificate(C, "both.example")],
  ])("is known by its key and %s", async (_, presented) => {
    expect((await authenticate(KEY, presented)).name).toBe("by-both");
  });

  it.each([
    ["no certificate", undefined],
    ["a certificate that nobody knows", certificate(C, "x.example")],
    ["the certificate of another caller", certificate(A, "ns.bank.example")],
  ])("is refused with its key and %s", async (_, presented) => {
    expect(await refusal(KEY, presented)).toBe(NEEDS_BOTH);
  });

  it("is refused with its certificate and a key that is none", async () => {
    expect(await refusal(`${KEY}x`, certificate(B))).toBe(UNKNOWN_KEY);
  });

  it("has as many keys and certificates as it likes, which need not belong together", async () => {
    const rotating: [string, CallerCredentials] = ["r", caller([KEY, OTHER_KEY], [{ sha256: A }, { sha256: B }])];
    for (const key of [KEY, OTHER_KEY]) {
      for (const fingerprint of [A, B]) {
        expect((await authenticate(key, certificate(fingerprint), [rotating])).name).toBe("r");
      }
      expect(await refusal(key, certificate(C), [rotating])).toBe(NEEDS_BOTH);
    }
  });
});

describe("a call without anything", () => {
  it("is told of a key alone where no caller comes by its certificate", async () => {
    for (const callers of [[BY_KEY], [BY_BOTH], [BY_KEY, BY_BOTH]]) {
      expect(await refusal(undefined, undefined, callers)).toBe("the call has no API key");
      expect(await refusal(undefined, certificate(B), callers)).toBe("the call has no API key");
    }
  });

  it("is told of both where one does", async () => {
    expect(await refusal(undefined, undefined, [BY_CERTIFICATE])).toBe(NEITHER);
  });
});

it("two callers that share a certificate are told apart by their keys", async () => {
  const callers: [string, CallerCredentials][] = [
    ["first", caller([KEY], [{ sha256: A }])],
    ["second", caller([OTHER_KEY], [{ sha256: A }])],
  ];
  expect((await authenticate(KEY, certificate(A), callers)).name).toBe("first");
  expect((await authenticate(OTHER_KEY, certificate(A), callers)).name).toBe("second");
});

it("a certificate in a header is none", async () => {
  const authenticator = await createAuthenticator(new Map(ALL), { hashText, ids: fakeIds() });
  const headers = new Headers({
    "Client-Cert": `:${A}:`,
    "X-Client-Cert-SHA256": A,
    "X-SSL-Client-SAN": "ns.bank.example",
  });
  const error = await thrownBy(() => authenticator(headers, undefined, "x-apikey"));
  expect((error as Error).message).toBe(NEITHER);
});
