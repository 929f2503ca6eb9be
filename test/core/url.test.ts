// URLs of issuers and endpoints are complete, and https or http on loopback.

import { describe, expect, it } from "vitest";
import { endpointUrlFault, issuerUrlFault } from "../../src/core/url.ts";

describe.each([
  ["an endpoint", endpointUrlFault],
  ["an issuer", issuerUrlFault],
])("%s", (_, faultOf) => {
  it.each([
    "https://idp.example",
    "https://idp.example:8443/realms/a%20b",
    "HTTPS://IDP.example/",
    "http://localhost:8080/realm",
    "http://127.255.255.254:1",
    "http://[::1]:8080/a",
  ])("may be %s", (url) => {
    expect(faultOf(url)).toBeUndefined();
  });

  it.each([
    "http://idp.example",
    "http://localhost.evil.example",
    "http://127.0.0.1.evil.example",
    "http://evil.example?localhost",
    "http://0.0.0.0",
    "http://[::]",
    "http://[::ffff:10.0.0.1]",
    "http://128.0.0.1",
    "http://localhost@idp.example/",
    "ftp://localhost",
    "javascript:alert(1)",
  ])("must be https, unlike %s", (url) => {
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
  ])("must be absolute, unlike %j", (url) => {
    expect(faultOf(url)).toBe("must be an absolute URL");
  });

  it.each([
    "https:idp.example",
    "https:/idp.example",
    "https:\\\\idp.example",
    "https:///idp.example",
    " https://idp.example",
    "https://idp.example\n",
    "https://idp\t.example",
  ])("must not need the URL parser's repairs, unlike %j", (url) => {
    expect(faultOf(url)).toBe("must be an absolute URL");
  });

  it.each(["https://user@idp.example", "https://user:secret@idp.example"])("must not have credentials: %s", (url) => {
    expect(faultOf(url)).toBe("must not contain a user name or password");
  });

  it.each(["https://idp.example#", "https://idp.example/a#b"])("must not have a fragment: %s", (url) => {
    expect(faultOf(url)).toBe("must not have a fragment");
  });
});

it("allows a query in an endpoint but not in an issuer", () => {
  expect(endpointUrlFault("https://idp.example/token?p=a")).toBeUndefined();
  expect(issuerUrlFault("https://idp.example/token?p=a")).toBe("must not have a query");
  expect(issuerUrlFault("https://idp.example?")).toBe("must not have a query");
});
