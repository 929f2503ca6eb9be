// On Workers secrets are bindings and there are no files; a client certificate is a binding that sends requests, a limit one that counts.

import { describe, expect, it } from "vitest";
import { SecretError } from "../../src/config/credentials.ts";
import { Secret } from "../../src/core/secret.ts";
import type { TlsCredentials } from "../../src/core/transport.ts";
import { createWorkerCredentialHost } from "../../src/worker/credentials.ts";
import { sha256, thrownBy } from "../support/fakes.ts";

describe("a secret", () => {
  const { read } = createWorkerCredentialHost({ APIKEY: "from a binding", EMPTY: "", KV: { get() {} } });

  it("is the text of its binding", () => {
    expect(read({ env: "APIKEY" })).toBe("from a binding");
    expect(read({ env: "EMPTY" })).toBe("");
  });

  it.each(["MISSING", "KV", "toString", "constructor"])(
    "that no binding holds is told with its cure: %s",
    async (name) => {
      const error = await thrownBy(() => read({ env: name }));
      expect(error).toBeInstanceOf(SecretError);
      expect((error as Error).message).toBe(
        `refers to the binding ${name}, which is not set: run "wrangler secret put ${name}"`,
      );
    },
  );

  it("cannot be in a file", async () => {
    const error = await thrownBy(() => read({ file: "/run/secrets/key" }));
    expect(error).toBeInstanceOf(SecretError);
    expect((error as Error).message).toBe(
      "refers to a file, which Workers do not have: use { env: NAME } and a secret binding",
    );
  });
});

describe("TLS credentials", () => {
  const { tlsFault } = createWorkerCredentialHost({ MTLS: { fetch() {} }, KV: { get() {} }, TEXT: "text", NULL: null });
  const secret = new Secret("x");

  it.each<[string, TlsCredentials]>([
    ["a binding with a certificate", { binding: "MTLS" }],
    ["nothing", {}],
  ])("of %s are in order", (_, credentials) => {
    expect(tlsFault(credentials)).toBeUndefined();
  });

  it.each(["MISSING", "KV", "TEXT", "NULL", "toString"])(
    "of a binding that sends no requests are told: %s",
    (binding) => {
      expect(tlsFault({ binding })).toBe(
        `refers to ${binding}, which is not an mtls_certificates binding of wrangler.toml`,
      );
    },
  );

  it.each(["certificate", "private_key", "ca"])("of the file's own are told: %s", (name) => {
    expect(tlsFault({ [name]: secret })).toBe(
      "has a certificate, private_key or ca, which Workers cannot use: use binding",
    );
  });
});

it("the dates of a certificate are left to the check on Node, and its bytes are hashed", async () => {
  const { certificateFault, sha256: hash } = createWorkerCredentialHost({});
  expect(certificateFault("anything")).toBeUndefined();
  expect(await hash(Uint8Array.of(1))).toEqual(await sha256(Uint8Array.of(1)));
});

describe("a caller's certificate", () => {
  const { pinFault } = createWorkerCredentialHost({});
  const SERVER = {
    listen: { host: "127.0.0.1", port: 8080 },
    admin: { host: "127.0.0.1", port: 9613 },
    trusted_proxies: [],
    max_in_flight: 1,
    shutdown_delay: 0,
    shutdown_grace: 1,
  };

  it("is told by its fingerprint, whatever the file says of a server", () => {
    expect(pinFault({ sha256: "a".repeat(64) }, SERVER)).toBeUndefined();
  });

  it("cannot be told by its name", () => {
    expect(pinFault({ san_dns: "ns.bank.example" }, SERVER)).toBe(
      "uses san_dns, which Cloudflare does not report to a Worker: use sha256",
    );
  });
});

describe("a rate limit", () => {
  const { rateLimitFault } = createWorkerCredentialHost({
    LIMIT: { limit() {} },
    KV: { get() {} },
    TEXT: "x",
    NULL: null,
  });

  it("is kept by its binding", () => {
    expect(rateLimitFault({ binding: "LIMIT" })).toBeUndefined();
  });

  it.each(["MISSING", "KV", "TEXT", "NULL", "toString"])("is told where its binding keeps none: %s", (binding) => {
    expect(rateLimitFault({ binding })).toBe(
      `needs the rate limiting binding ${binding}: add it to wrangler.toml under [[ratelimits]]`,
    );
  });
});
