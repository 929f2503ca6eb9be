// Each binding of the file reads its own calls: from path, query, headers, a form or JSON, with its
// own key header.

import { describe, expect, it } from "vitest";
import { APIKEY, type CallOptions } from "../support/call.ts";
import { expectError } from "../support/expect-error.ts";
import { useProxy } from "../support/proxy.ts";

const FORM = "application/x-www-form-urlencoded";

describe("a call by path, query, header and form", () => {
  const names = ["serverid", "userid", "accountid", "nonce", "device"];
  const proxy = useProxy({
    file: {
      get_token: {
        path: "/servers/{serverid}/users/{userid}/token",
        values: {
          serverid: ["path:serverid"],
          userid: ["path:userid"],
          accountid: ["query:accountid"],
          nonce: ["header:X-nonce"],
          device: ["form:device"],
        },
      },
    },
    provider: { params: Object.fromEntries(names.map((name) => [name, `{{${name}}}`])) },
  });
  const call = (path: string, body: unknown = "device=d1", headers = {}) =>
    proxy.call({ path, body, headers: { "Content-Type": FORM, "X-nonce": "n1", ...headers } });

  it("is decoded in each place", async () => {
    const path = "/servers/a+%2Fb=/users/S%C3%B8ren%20%F0%9F%98%80%20%2525%3F%23/token?account%69d=%37";
    expect((await call(path, "%64evice=S%C3%B8ren+M+%2B%26%3D")).status).toBe(200);
    expect(Object.fromEntries(new URLSearchParams(proxy.provider.requests[0]?.body))).toEqual({
      grant_type: "urn:example:user",
      serverid: "a+/b=",
      userid: "Søren 😀 %25?#",
      accountid: "7",
      nonce: "n1",
      device: "Søren M +&=",
    });
  });

  it.each<[string, string, unknown?]>([
    ...["%", "%4", "%zz", "%ff", "%e6%9d", "%ed%a0%80", "%c0%af"].map((broken): [string, string] => [
      `${broken} in the path`,
      `/servers/a/users/alice${broken}/token?accountid=7`,
    ]),
    ["%ff in the query", "/servers/a/users/alice/token?accountid=7%ff"],
    ["%ff in the form", "/servers/a/users/alice/token?accountid=7", "device=%ff"],
    ["a parameter twice", "/servers/a/users/alice/token?accountid=7&%61ccountid=7"],
    ["an encoded zero byte", "/servers/a/users/alice%00/token?accountid=7"],
    ["a form that is not UTF-8", "/servers/a/users/alice/token?accountid=7", Buffer.from("device=\xf8", "latin1")],
  ])("is refused with %s", async (_, path, body) => {
    expectError(await call(path, body), "call_invalid");
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each(["/servers/a/users//token", "/servers/a/b/users/alice/token", "/Servers/a/users/alice/token", "/getToken"])(
    "is not found at %s",
    async (path) => {
      expectError(await call(path), "not_found");
    },
  );
});

describe("several bindings", () => {
  const proxy = useProxy({
    file: {
      get_token: [
        { path: "/v1/getToken", values: { userid: ["header:X-User", "body:/who/0/user~1id"] } },
        { method: "GET", path: "/v2/token", values: { userid: ["query:user"] } },
        { path: "/v2/token", values: { userid: ["form:user"] } },
        { path: "/bearer", apikey_header: "Authorization", values: { userid: ["body:/u"] } },
        {
          path: "/vendor",
          apikey_header: "X-Vendor-Key",
          values: { userid: ["body:/u"], token: ["header:Authorization"] },
        },
      ],
    },
    provider: { params: { userid: "{{userid}}" } },
  });
  const V1: CallOptions = { path: "/v1/getToken", body: { who: [{ "user/id": "of-body" }] } };
  const V2: CallOptions = { method: "GET", path: "/v2/token?user=of-query", body: undefined };
  const POSTED: CallOptions = { path: "/v2/token", headers: { "Content-Type": FORM }, body: "user=of-form" };

  it("each read their own calls", async () => {
    const calls = [V1, { ...V1, headers: { "X-User": "of-header" } }, V2, POSTED];
    for (const call of calls) expect((await proxy.call(call)).status).toBe(200);
    const userids = proxy.provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"));
    expect(userids).toEqual(["of-body", "of-header", "of-query", "of-form"]);
    expectError(await proxy.call({ ...POSTED, body: "", path: V2.path as string }), "call_invalid");
    expectError(await proxy.call({ ...V1, path: "/getToken" }), "not_found");
  });

  it.each<[string, CallOptions, string]>([
    ["/v1/getToken", V1, "POST"],
    ["/v2/token", V2, "GET, POST"],
  ])("answer 405 with every method of their path: %s", async (_, call, allow) => {
    for (const method of ["PUT", "HEAD"]) {
      const { status, headers } = await proxy.call({ ...call, method, body: undefined });
      expect([status, headers.allow]).toEqual([405, allow]);
    }
    expect(proxy.provider.requests).toEqual([]);
  });

  it("all authenticate the caller first", async () => {
    for (const call of [V1, V2, { ...V1, body: "not JSON" }]) {
      expectError(await proxy.call({ ...call, headers: { "X-apikey": undefined } }), "caller_unauthenticated");
    }
  });

  // Some readers take such bytes for Latin-1 and some for UTF-8, and so for different users.
  it.each([
    ["UTF-8", Buffer.from("Søren").toString("latin1")],
    ["Latin-1", "S\xf8ren"],
  ])("refuse a header in %s", async (_, value) => {
    // As bytes: node:http would write the headers in the coding of a body of text.
    const body = Buffer.from(JSON.stringify(V1.body));
    expectError(await proxy.call({ ...V1, body, headers: { "X-User": value } }), "call_invalid");
    expect(proxy.provider.requests).toEqual([]);
  });

  const to = (path: string, headers: Record<string, string>) =>
    proxy.call({ path, body: { u: "alice" }, headers: { "X-apikey": undefined, ...headers } });

  it("read the key and a user's token from the headers that they name", async () => {
    const vendor = { "X-Vendor-Key": APIKEY };
    expect((await to("/bearer", { Authorization: `Bearer ${APIKEY}` })).status).toBe(200);
    expect((await to("/vendor", { ...vendor, Authorization: "bearer t.o.k" })).status).toBe(200);
    expectError(await to("/vendor", { ...vendor, Authorization: "Basic YTpi" }), "call_invalid");
  });

  it.each<[string, Record<string, string>, string]>([
    ["/bearer", { "X-apikey": APIKEY }, 'Bearer realm="getToken"'],
    ["/bearer", { Authorization: `Basic ${APIKEY}` }, 'Bearer realm="getToken"'],
    ["/vendor", { Authorization: `Bearer ${APIKEY}` }, 'x-vendor-key realm="getToken"'],
  ])("read the key from no other header: %s with %j", async (path, headers, challenge) => {
    const answer = await to(path, headers);
    expectError(answer, "caller_unauthenticated");
    expect(answer.headers["www-authenticate"]).toBe(challenge);
  });
});
