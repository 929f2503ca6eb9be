// On Workers, secrets, client certificates and rate limits are bindings, not files.

import { expect, it } from "vitest";
import { SecretError } from "../../src/config/credentials.ts";
import { Secret } from "../../src/core/secret.ts";
import { createWorkerCredentialHost } from "../../src/worker/credentials.ts";
import { sha256 } from "../support/fakes.ts";

const host = createWorkerCredentialHost({
  APIKEY: "from a binding",
  EMPTY: "",
  KV: { get() {} },
  NULL: null,
  MTLS: { fetch() {} },
  LIMIT: { limit() {} },
});
/** Names of bindings that do not exist or have another type. */
const OTHER_BINDINGS = ["MISSING", "KV", "NULL"];

it("a secret is the text of its binding", () => {
  expect([host.read({ env: "APIKEY" }), host.read({ env: "EMPTY" })]).toEqual(["from a binding", ""]);
});

it.each(OTHER_BINDINGS)("a secret is missing if %s is not a text binding", (env) => {
  const message = `refers to the binding ${env}, which is not set: run "wrangler secret put ${env}"`;
  expect(() => host.read({ env })).toThrow(new SecretError(message));
});

it("a secret cannot be in a file", () => {
  const message = "refers to a file, which Workers do not have: use { env: NAME } and a secret binding";
  expect(() => host.read({ file: "/run/secrets/key" })).toThrow(new SecretError(message));
});

it("TLS needs an mtls_certificates binding, or nothing, and no certificate of the file", () => {
  expect([host.tlsFault({ binding: "MTLS" }), host.tlsFault({})]).toEqual([undefined, undefined]);
  for (const binding of [...OTHER_BINDINGS, "APIKEY"]) {
    const fault = `refers to ${binding}, which is not an mtls_certificates binding of wrangler.toml`;
    expect(host.tlsFault({ binding })).toBe(fault);
  }
  for (const name of ["certificate", "private_key", "ca"]) {
    const fault = "has a certificate, private_key or ca, which Workers cannot use: use binding";
    expect(host.tlsFault({ [name]: new Secret("x") })).toBe(fault);
  }
});

it("hashes bytes, and leaves the dates of certificates to the check on Node", async () => {
  expect(host.certificateFault("anything")).toBeUndefined();
  expect(await host.sha256(Uint8Array.of(1))).toEqual(await sha256(Uint8Array.of(1)));
});

it("knows a caller's certificate by its fingerprint, and not by its name", () => {
  const server = {} as Parameters<typeof host.pinFault>[1];
  expect(host.pinFault({ sha256: "a".repeat(64) }, server)).toBeUndefined();
  const fault = "uses san_dns, which Cloudflare does not report to a Worker: use sha256";
  expect(host.pinFault({ san_dns: "ns.bank.example" }, server)).toBe(fault);
});

it("needs a rate limiting binding for a rate limit", () => {
  expect(host.rateLimitFault({ binding: "LIMIT" })).toBeUndefined();
  for (const binding of [...OTHER_BINDINGS, "APIKEY"]) {
    const fault = `needs the rate limiting binding ${binding}: add it to wrangler.toml under [[ratelimits]]`;
    expect(host.rateLimitFault({ binding })).toBe(fault);
  }
});

it("has no say in connections", () => {
  expect(host.connectionFault).toBe("is for Node, because Cloudflare manages the connections of a Worker: remove it");
});
