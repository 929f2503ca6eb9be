// URLs of issuers and endpoints are complete, and https or http on loopback.

import { expect, it } from "vitest";
import { endpointUrlFault, issuerUrlFault } from "../../src/core/url.ts";

it.each([
  "https://idp.example",
  "https://idp.example:8443/realms/a%20b",
  "HTTPS://IDP.example/",
  "http://localhost:8080/realm",
  "http://127.255.255.254:1",
  "http://[::1]:8080/a",
])("an issuer or an endpoint may be %s", (url) => {
  expect([endpointUrlFault(url), issuerUrlFault(url)]).toEqual([undefined, undefined]);
});

const NO_HTTPS = "must be an https URL (http only on loopback)";
const INCOMPLETE = "must be an absolute URL";
const CREDENTIALS = "must not contain a user name or password";
const FRAGMENT = "must not have a fragment";

it.each([
  [NO_HTTPS, "http://idp.example"],
  [NO_HTTPS, "http://localhost.evil.example"],
  [NO_HTTPS, "http://127.0.0.1.evil.example"],
  [NO_HTTPS, "http://0.0.0.0"],
  [NO_HTTPS, "http://[::ffff:10.0.0.1]"],
  [NO_HTTPS, "http://128.0.0.1"],
  [NO_HTTPS, "http://localhost@idp.example/"],
  [NO_HTTPS, "ftp://localhost"],
  [NO_HTTPS, "javascript:alert(1)"],
  [INCOMPLETE, ""],
  [INCOMPLETE, "//idp.example"],
  [INCOMPLETE, "https://idp.example:99999"],
  // What the URL parser would repair.
  [INCOMPLETE, "https:idp.example"],
  [INCOMPLETE, "https:/idp.example"],
  [INCOMPLETE, "https:\\\\idp.example"],
  [INCOMPLETE, "https:///idp.example"],
  [INCOMPLETE, " https://idp.example"],
  [INCOMPLETE, "https://idp.example\n"],
  [INCOMPLETE, "https://idp\t.example"],
  // What a terminal or a reader of the log would not show as it is.
  [INCOMPLETE, "https://idp.example/\u001b[2J"],
  [INCOMPLETE, "https://idp.example/\u009b2J"],
  [INCOMPLETE, "https://idp.example/\u202enekot"],
  [CREDENTIALS, "https://user@idp.example"],
  [CREDENTIALS, "https://user:secret@idp.example"],
  [FRAGMENT, "https://idp.example#"],
  [FRAGMENT, "https://idp.example/a#b"],
])("an issuer or an endpoint %s, unlike %j", (fault, url) => {
  expect([endpointUrlFault(url), issuerUrlFault(url)]).toEqual([fault, fault]);
});

it("only an endpoint may have a query", () => {
  expect(endpointUrlFault("https://idp.example/token?p=a")).toBeUndefined();
  expect(issuerUrlFault("https://idp.example/token?p=a")).toBe("must not have a query");
  expect(issuerUrlFault("https://idp.example?")).toBe("must not have a query");
});

it("the URL of the metadata is no issuer", () => {
  expect(issuerUrlFault("https://idp.example/.well-known/openid-configuration")).toBe(
    "is the URL of the metadata; leave out /.well-known/ and the rest",
  );
});
