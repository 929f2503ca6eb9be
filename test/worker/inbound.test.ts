// What Cloudflare knows about a request: path, verified certificate, client address.

import { describe, expect, it } from "vitest";
import { workerInbound } from "../../src/worker/inbound.ts";

describe("the path as sent", () => {
  const pathOf = (url: string, host?: string) =>
    workerInbound.pathAsSent({ url, headers: new Headers(host === undefined ? {} : { host }) } as Request, {});

  it.each([
    ["https://proxy.example/getToken?a=/b?c", "/getToken"],
    ["https://proxy.example/%67etToken%2F", "/%67etToken%2F"],
    ["https://proxy.example//getToken", "//getToken"],
    ["https://[::1]:8080/a:b@c", "/a:b@c"],
  ])("of %s is %s", (url, path) => {
    expect(pathOf(url, "proxy.example")).toBe(path);
    expect(pathOf(url)).toBe(path);
  });

  it.each(["a/b", "user@a", "a?b", "a#b", "a\\b", "a b"])(
    "matches no route if part of the Host could be read as the path: %s",
    (host) => {
      expect(pathOf(`https://${host}/getToken`, host)).toBe("//");
    },
  );
});

describe("the client certificate", () => {
  const certFingerprintSHA256 = "AF".repeat(32);
  const VERIFIED = { certPresented: "1", certVerified: "SUCCESS", certRevoked: "0", certFingerprintSHA256 };
  const certificateOf = (tlsClientAuth: unknown) =>
    workerInbound.clientCertificate({ cf: { tlsClientAuth } } as unknown as Request, {});

  it("is its fingerprint if Cloudflare has verified it", () => {
    expect(certificateOf(VERIFIED)).toEqual({ sha256: "af".repeat(32), dnsNames: [] });
  });

  it.each<[string, object]>([
    ["it is not presented", { certPresented: "0" }],
    ["its verification failed", { certVerified: "FAILED:unable to get local issuer certificate" }],
    ["it is revoked", { certRevoked: "1" }],
    ["nobody knows whether it is revoked", { certRevoked: undefined }],
    ["a member has another type", { certPresented: 1 }],
    ["the fingerprint is not hexadecimal", { certFingerprintSHA256: `${"a".repeat(63)}g` }],
    ["the fingerprint is a list", { certFingerprintSHA256: ["a".repeat(64)] }],
  ])("does not count if %s", (_, changes) => {
    expect(certificateOf({ ...VERIFIED, ...changes })).toBeUndefined();
  });

  it("does not exist without cf, and not in a header", () => {
    expect([certificateOf(undefined), certificateOf(null)]).toEqual([undefined, undefined]);
    const headers = new Headers({ "Client-Cert": ":MII=:", "CF-Client-Cert-SHA256": certFingerprintSHA256 });
    expect(workerInbound.clientCertificate({ headers } as Request, {})).toBeUndefined();
  });
});

it.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3::4", "2001:db8:1:2::/64"],
  [undefined, ""],
])("only Cloudflare's header %s is the client's address", (address, limited) => {
  const headers = new Headers({ "X-Forwarded-For": "198.51.100.9" });
  if (address !== undefined) headers.set("CF-Connecting-IP", address);
  expect(workerInbound.clientAddress({ headers } as Request, {})).toBe(limited);
});
