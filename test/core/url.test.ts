// URLs of issuers and endpoints are https, or http on loopback, and are written out in full.

import { describe, expect, it } from "vitest";
import { endpointUrlFault, issuerUrlFault } from "../../src/core/url.ts";

describe.each([
  ["an endpoint", endpointUrlFault],
  ["an issuer", issuerUrlFault],
])("%s", (_, faultOf) => {
  it.each([
    "https://idp.example",
    "https://idp.example/",
    "https://idp.example:8443/realms/a%20b",
    "HTTPS://IDP.example",
    "http://localhost",
    "http://localhost:8080/realm",
    "http://127.0.0.1",
    "http://127.255.255.254:1",
    "http://[::1]",
    "http://[::1]:8080/a",
    "http://[0:0:0:0:0:0:0:1]",
  ])("may be %s", (url) => {
    expect(faultOf(url)).toBeUndefined();
  });

  it.each([
    "http://idp.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil.example/127.0.0.1",
    "http://evil.example?localhost",
    "http://127.evil.example",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::2]",
    "http://[::ffff:10.0.0.1]",
    "http://10.0.0.1",
    "http://128.0.0.1",
    "ftp://localhost",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "data:,x",
    "ws://localhost",
  ])("must not be %s", (url) => {
    expect(faultOf(url)).toBe("must be an https URL (http only on loopback)");
  });

  it.each([
    "",
    "idp.example",
    "/token",
    "//idp.example",
    "https://",
    "https://idp example",
    "https://idp.example:99999",
  ])("must be absolute, not %j", (url) => {
    expect(faultOf(url)).toBe("must be an absolute URL");
  });

  it.each(["https://user@idp.example", "https://user:secret@idp.example", "http://localhost@idp.example/"])(
    "must not be %s, to anybody's credentials or confusion",
    (url) => {
      expect(faultOf(url)).toMatch(/^must (not contain a user name or password|be an https URL)/);
    },
  );

  it.each(["https://idp.example#", "https://idp.example/a#b"])("must not have a fragment: %s", (url) => {
    expect(faultOf(url)).toBe("must not have a fragment");
  });
});

it.each([
  "https:idp.example",
  "https:/idp.example",
  "https:\\\\idp.example",
  "https:///idp.example",
  " https://idp.example",
  "https://idp.example ",
  "https://idp.example\n",
  "https://idp\t.example",
])("a URL must be written out, not mended by whoever reads it: %j", (url) => {
  expect(endpointUrlFault(url)).toMatch(/^must /);
  expect(issuerUrlFault(url)).toMatch(/^must /);
});

it("an endpoint may have a query, an issuer may not", () => {
  expect(endpointUrlFault("https://idp.example/token?p=a")).toBeUndefined();
  expect(issuerUrlFault("https://idp.example/token?p=a")).toBe("must not have a query");
  expect(issuerUrlFault("https://idp.example?")).toBe("must not have a query");
});
