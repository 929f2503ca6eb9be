// An API key, a client certificate or both identify a caller.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { CallerCredentials } from "../../src/config/credentials.ts";
import type { ClientCertificatePin } from "../../src/config/schema-server.ts";
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
const PINNED = "ns.bank.example";
const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];

type NamedCaller = [string, CallerCredentials];

function caller(name: string, keys: string[], pins: ClientCertificatePin[] = [], serverids?: string[]): NamedCaller {
  return [name, { apikeys: keys.map((key) => new Secret(key)), client_certificates: pins, serverids }];
}

const BY_KEY = caller("by-key", [OLD, NEW], [], ["a", "b"]);
const BATCH = caller("batch", [OTHER]);
const BY_CERTIFICATE = caller("by-certificate", [], [{ sha256: A }, { san_dns: PINNED }], ["s"]);
const BY_BOTH = caller("by-both", [BOTH_KEY], [{ sha256: B }, { san_dns: "both.example" }]);

const UNKNOWN_KEY = "the API key of the call belongs to no caller in the configuration";
const NO_KEY = "the call has no API key";
const NEITHER = "the call has neither an API key nor a client certificate of a caller";
const NEEDS_BOTH = "with this API key, the call also needs a client certificate of its caller";

interface Presented {
  key?: string;
  certificate?: ClientCertificate | undefined;
  headers?: Record<string, string>;
  /** The header of the binding. */
  header?: string;
  callers?: NamedCaller[];
  hash?: HashText;
}

async function authenticate({ key, certificate, callers, hash = hashText, header = "x-apikey", ...more }: Presented) {
  const known = new Map(callers ?? [BY_KEY, BATCH, BY_CERTIFICATE, BY_BOTH]);
  const authenticator = await createAuthenticator(known, { hashText: hash, ids: fakeIds() });
  const headers = more.headers ?? (key === undefined ? {} : { [header]: key });
  return authenticator(new Headers(headers), certificate, header);
}

async function refusal(presented: Presented): Promise<TokenProxyError> {
  const error = await thrownBy(() => authenticate(presented));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("caller_unauthenticated");
  return error as TokenProxyError;
}

const certificate = (sha256: string, ...dnsNames: string[]): ClientCertificate => ({ sha256, dnsNames });
const header = "authorization";
const SHARED = [caller("first", [OLD], [{ sha256: A }]), caller("second", [NEW], [{ sha256: A }])];

it.each<[string, Presented, string]>([
  ["the first key", { key: OLD }, "by-key"],
  ["the second key", { key: NEW }, "by-key"],
  ["another caller's key", { key: OTHER }, "batch"],
  ["a key after Bearer", { header, key: `bEARER  ${OLD}` }, "by-key"],
  ["Bearer beside X-apikey", { header, headers: { authorization: `Bearer ${OLD}`, "x-apikey": OTHER } }, "by-key"],
  ["the fingerprint of a certificate", { certificate: certificate(A) }, "by-certificate"],
  ["one of the names of a certificate", { certificate: certificate(C, "x.example", PINNED) }, "by-certificate"],
  ["a key beside a certificate that it does not need", { key: OTHER, certificate: certificate(A) }, "batch"],
  ["key and fingerprint", { key: BOTH_KEY, certificate: certificate(B) }, "by-both"],
  ["key and name", { key: BOTH_KEY, certificate: certificate(C, "both.example") }, "by-both"],
  ["a key beside a shared certificate", { key: NEW, certificate: certificate(A), callers: SHARED }, "second"],
])("%s identifies the caller", async (_, presented, name) => {
  expect((await authenticate(presented)).name).toBe(name);
  expect((await authenticate({ ...presented, hash: asyncHashText })).name).toBe(name);
});

it.each<[string, Presented, string]>([
  ["an unknown key", { key: UNKNOWN }, UNKNOWN_KEY],
  ["an empty key", { key: "" }, UNKNOWN_KEY],
  ["a key that is too short", { key: OLD.slice(0, -1) }, UNKNOWN_KEY],
  ["a key that is too long", { key: `${OLD}x` }, UNKNOWN_KEY],
  ["a key with a scheme", { key: `Bearer ${OLD}` }, UNKNOWN_KEY],
  ["a key that is sent twice", { key: `${OLD}, ${OLD}` }, UNKNOWN_KEY],
  ["the digest of a key", { key: hashText(OLD) as string }, UNKNOWN_KEY],
  ["a key in another header", { headers: { authorization: OLD, "x-api-key": OLD }, callers: [BY_KEY] }, NO_KEY],
  ["a key without Bearer", { header, key: OLD }, UNKNOWN_KEY],
  ["a key after Basic", { header, key: `Basic ${OLD}` }, UNKNOWN_KEY],
  ["Bearer without a key", { header, key: "Bearer" }, UNKNOWN_KEY],
  ["Bearer without a space", { header, key: `Bearer${OLD}` }, UNKNOWN_KEY],
  ["more after the key", { header, key: `Bearer ${OLD} x` }, UNKNOWN_KEY],
  ["X-apikey where Authorization counts", { header, headers: { "x-apikey": OLD } }, NEITHER],
  ["no certificate", {}, NEITHER],
  ["another certificate", { certificate: certificate(C) }, NEITHER],
  ["a parent domain", { certificate: certificate(C, "bank.example", "example") }, NEITHER],
  ["a subdomain", { certificate: certificate(C, `x.${PINNED}`) }, NEITHER],
  ["a fingerprint as a name", { certificate: certificate(C, A) }, NEITHER],
  ["a name as a fingerprint", { certificate: certificate(PINNED) }, NEITHER],
  ["a fingerprint without the key that it needs", { certificate: certificate(B) }, NEITHER],
  ["a name without the key that it needs", { certificate: certificate(C, "both.example") }, NEITHER],
  ["a wrong key beside a certificate", { key: UNKNOWN, certificate: certificate(A) }, UNKNOWN_KEY],
  ["an empty key beside a certificate", { key: "", certificate: certificate(A) }, UNKNOWN_KEY],
  ["a key without the certificate that it needs", { key: BOTH_KEY }, NEEDS_BOTH],
  ["a key and another caller's certificate", { key: BOTH_KEY, certificate: certificate(A, PINNED) }, NEEDS_BOTH],
  // Certificates are only mentioned if some caller needs no key.
  ["no key where all callers need one", { callers: [BY_KEY, BY_BOTH], certificate: certificate(B) }, NO_KEY],
])("refuses %s", async (_, presented, message) => {
  const error = await refusal(presented);
  const scheme = presented.header === undefined ? "x-apikey" : "Bearer";
  expect([error.message, error.challenge]).toEqual([message, `${scheme} realm="getToken"`]);
  expect((await refusal({ ...presented, hash: asyncHashText })).message).toBe(message);
});

it("gives the caller's serverids, or undefined for all", async () => {
  expect((await authenticate({ key: NEW })).serverids).toEqual(new Set(["a", "b"]));
  expect((await authenticate({ key: OTHER })).serverids).toBeUndefined();
  expect((await authenticate({ certificate: certificate(A) })).serverids).toEqual(new Set(["s"]));
});

it("shows no key in an error or in the authenticator", async () => {
  const authenticator = await createAuthenticator(new Map([BY_KEY]), { hashText, ids: fakeIds() });
  const error = await refusal({ key: UNKNOWN });
  const shown = inspect([error, authenticator], { depth: 9, showHidden: true }) + JSON.stringify(error);
  for (const key of [UNKNOWN, OLD, NEW]) expect(shown).not.toContain(key);
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
