// What a Worker knows of a request beyond what it says: the path as it was sent, a verified certificate, the client's address.

import { describe, expect, it } from "vitest";
import { workerInbound } from "../../src/worker/inbound.ts";

describe("the path as it was sent", () => {
  const pathOf = (url: string, host?: string) =>
    workerInbound.pathAsSent({ url, headers: new Headers(host === undefined ? {} : { host }) } as Request, {});

  it.each([
    ["https://proxy.example/getToken", "/getToken"],
    ["https://proxy.example/getToken?a=/b?c", "/getToken"],
    ["https://proxy.example/%67etToken%2F", "/%67etToken%2F"],
    ["https://proxy.example//getToken", "//getToken"],
    ["https://proxy.example/", "/"],
    ["https://[::1]:8080/a:b@c", "/a:b@c"],
  ])("of %s is %s", (url, path) => {
    expect(pathOf(url, "proxy.example")).toBe(path);
    expect(pathOf(url)).toBe(path);
  });

  it.each(["evil.example/getToken?", "a/b", "user@a", "a?b", "a#b", "a\\b", "a b"])(
    "is none that a route has where the Host would be read as a part of it: %s",
    (host) => {
      expect(pathOf(`https://${host}/getToken`, host)).toBe("//");
    },
  );
});

describe("the client certificate", () => {
  const VERIFIED = {
    certPresented: "1",
    certVerified: "SUCCESS",
    certRevoked: "0",
    certFingerprintSHA256: "AF".repeat(32),
  };
  const certificateOf = (tlsClientAuth: unknown) =>
    workerInbound.clientCertificate({ cf: { tlsClientAuth } } as unknown as Request, {});

  it("is known by its fingerprint where Cloudflare has verified it", () => {
    expect(certificateOf(VERIFIED)).toEqual({ sha256: "af".repeat(32), dnsNames: [] });
  });

  it.each<[string, object]>([
    ["is not presented", { certPresented: "0" }],
    ["is not verified", { certVerified: "NONE" }],
    ["failed its verification", { certVerified: "FAILED:unable to get local issuer certificate" }],
    ["is revoked", { certRevoked: "1" }],
    ["may be revoked", { certRevoked: undefined }],
    ["is presented by a number", { certPresented: 1 }],
    ["has an empty fingerprint", { certFingerprintSHA256: "" }],
    ["has a fingerprint that is none", { certFingerprintSHA256: `${"a".repeat(63)}g` }],
    ["has a list for a fingerprint", { certFingerprintSHA256: ["a".repeat(64)] }],
  ])("does not count where it %s", (_what, changes) => {
    expect(certificateOf({ ...VERIFIED, ...changes })).toBeUndefined();
  });

  it("is none without cf, and none in a header", () => {
    expect(certificateOf(undefined)).toBeUndefined();
    expect(certificateOf(null)).toBeUndefined();
    const headers = new Headers({ "Client-Cert": ":MII=:", "CF-Client-Cert-SHA256": "af".repeat(32) });
    expect(workerInbound.clientCertificate({ headers } as Request, {})).toBeUndefined();
  });
});

describe("the client's address", () => {
  const addressOf = (headers: Record<string, string>) =>
    workerInbound.clientAddress({ headers: new Headers(headers) } as Request, {});

  it("is what Cloudflare says, whatever else is claimed", () => {
    expect(addressOf({ "CF-Connecting-IP": "192.0.2.1", "X-Forwarded-For": "198.51.100.9" })).toBe("192.0.2.1");
    expect(addressOf({ "CF-Connecting-IP": "2001:db8:1:2:3::4" })).toBe("2001:db8:1:2::/64");
  });

  it("is one for all where Cloudflare does not say", () => {
    expect(addressOf({ "X-Forwarded-For": "198.51.100.9" })).toBe("");
  });
});
