// The binding: values of a call that come as form parameters, headers, query parameters or segments of the path.

import { describe, expect, it } from "vitest";
import type { CallOptions } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectError, MARKER } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";

const FORM_TYPE = "application/x-www-form-urlencoded";

/** A file whose only provider is sent every value that the binding names. */
const bound =
  (get_token: { values: Record<string, string[]>; method?: string; path?: string }, names: string[]) =>
  (tokenEndpoint: string) => ({
    get_token,
    providers: {
      main: providerConfig(tokenEndpoint, {
        params: Object.fromEntries(names.map((name) => [name, `{{${name}}}`])),
      }),
    },
  });

describe(`a call by form, header, query and path on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: bound(
      {
        path: "/servers/{serverid}/users/{userid}/token",
        values: {
          serverid: ["path:serverid"],
          userid: ["path:userid"],
          accountid: ["query:accountid"],
          nonce: ["header:X-nonce"],
          device: ["form:device"],
        },
      },
      ["serverid", "userid", "accountid", "nonce", "device"],
    ),
  });

  const PATH = "/servers/a%2B%2Fb%3D/users/alice/token?accountid=7";
  const options = (changes: CallOptions = {}): CallOptions => ({
    path: PATH,
    body: "device=d1",
    ...changes,
    headers: { "Content-Type": FORM_TYPE, "X-nonce": "n1", ...changes.headers },
  });
  /** What the provider is sent for the call. */
  async function sent(changes: CallOptions = {}): Promise<Record<string, string>> {
    proxy.provider.requests.length = 0;
    const answer = await proxy.call(options(changes));
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("the-token")]);
    const { grant_type, ...values } = Object.fromEntries(new URLSearchParams(proxy.provider.requests[0]?.body));
    expect(grant_type).toBe("urn:example:user");
    return values;
  }
  async function expectRefused(changes: CallOptions, code: "call_invalid" | "not_found" = "call_invalid") {
    expectError(await proxy.call(options(changes)), code);
    expect(proxy.provider.requests).toEqual([]);
  }

  it("finds each value in the place that the file names", async () => {
    expect(await sent()).toEqual({ serverid: "a+/b=", userid: "alice", accountid: "7", nonce: "n1", device: "d1" });
  });

  it("reads percent-encoding of the path as text, and a plus as a plus", async () => {
    const path = "/servers/a+%2Fb=/users/S%C3%B8ren%20%F0%9F%98%80%20%2525%3F%23/token?accountid=7";
    expect(await sent({ path })).toMatchObject({ serverid: "a+/b=", userid: "Søren 😀 %25?#" });
  });

  it("reads plus and percent-encoding of query and form", async () => {
    const body = "%64evice=S%C3%B8ren+M+%2B%26%3D";
    expect(await sent({ path: PATH.replace("accountid=7", "account%69d=%37"), body })).toMatchObject({
      accountid: "7",
      device: "Søren M +&=",
    });
  });

  it("knows header names in any case and form parameters in one", async () => {
    expect(await sent({ headers: { "X-nonce": undefined, "X-NONCE": "n2" } })).toMatchObject({ nonce: "n2" });
    proxy.provider.requests.length = 0;
    await expectRefused({ body: "Device=d1" });
  });

  it("passes over parameters that nothing is bound to, even repeated ones", async () => {
    const path = `${PATH}&other=1&other=2&userid=${MARKER}`;
    expect(await sent({ path, body: `device=d1&userid=${MARKER}&userid=2` })).toMatchObject({ userid: "alice" });
  });

  it.each<[string, CallOptions]>([
    ["a query parameter twice", { path: `${PATH}&accountid=7` }],
    ["a query parameter twice, once encoded", { path: `${PATH}&%61ccountid=8` }],
    ["a form parameter twice", { body: "device=d1&device=d2" }],
    ["a form parameter twice, once empty", { body: "device=&device=d2" }],
  ])("refuses %s", async (_what, changes) => {
    await expectRefused(changes);
  });

  const broken = ["%", "%4", "%zz", "%ff", "%e6%9d", "%ed%a0%80", "%c0%af"];
  it.each(broken)("refuses the broken percent-encoding %s in the path", async (encoded) => {
    await expectRefused({ path: `/servers/a/users/alice${encoded}/token?accountid=7` });
  });
  it.each(broken)("refuses the broken percent-encoding %s in a form", async (encoded) => {
    await expectRefused({ body: `device=d1${encoded}` });
  });

  it.each<[string, CallOptions]>([
    ["a control character in the path", { path: PATH.replace("alice", "alice%00") }],
    ["a line break in a form", { body: "device=d1%0A" }],
    ["an empty form parameter", { body: "device=" }],
    ["a form without the parameter that the provider needs", { body: "other=1" }],
    ["an empty form", { body: "" }],
    ["a form that is no utf-8", { body: Buffer.from("device=S\xf8ren", "latin1") }],
    ["a form of another type", { headers: { "Content-Type": "multipart/form-data; boundary=a" } }],
    ["json where a form is bound", { headers: { "Content-Type": "application/json" }, body: { device: "d1" } }],
    ["no Content-Type", { headers: { "Content-Type": undefined } }],
    ["an accountid with a fraction", { path: PATH.replace("=7", "=7.0") }],
    ["an accountid with a sign", { path: PATH.replace("=7", "=%2B7") }],
    ["an accountid with a space", { path: PATH.replace("=7", "=7+") }],
    ["an accountid in hex", { path: PATH.replace("=7", "=0x7") }],
    ["an accountid with a leading zero", { path: PATH.replace("=7", "=07") }],
    ["an accountid of twenty digits", { path: PATH.replace("=7", "=10000000000000000000") }],
    ["no accountid where the provider needs it", { path: PATH.replace("accountid=7", "") }],
    ["a userid of 2 kB", { path: PATH.replace("alice", "a".repeat(2_000)) }],
  ])("refuses %s", async (_what, changes) => {
    await expectRefused(changes);
  });

  it.each([
    "/servers/a/users//token",
    "/servers//users/alice/token",
    "/servers/a/b/users/alice/token",
    "/servers/a/users/alice/token/",
    "/servers/a/users/alice",
    "/Servers/a/users/alice/token",
    "/getToken",
  ])("answers not_found at %s", async (path) => {
    await expectRefused({ path: `${path}?accountid=7` }, "not_found");
  });

  it("checks who calls before it reads the call", async () => {
    const path = "/servers/a/users/%zz/token";
    expectError(await proxy.call(options({ path, headers: { "X-apikey": undefined } })), "caller_unauthenticated");
  });
});

describe(`several places for one value on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: bound({ values: { userid: ["header:X-User", "query:user", "body:/who/0/user~1id"] } }, ["userid"]),
  });
  const BODY = { who: [{ "user/id": "of-body" }], "who/0": {} };
  const userids = () => proxy.provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"));

  it("takes the first that the call has", async () => {
    const headers = { "X-User": "of-header" };
    for (const options of [{ headers, path: "/getToken?user=of-query" }, { path: "/getToken?user=of-query" }, {}]) {
      expect((await proxy.call({ ...options, body: BODY })).status).toBe(200);
    }
    expect(userids()).toEqual(["of-header", "of-query", "of-body"]);
  });

  it.each<[string, CallOptions]>([
    ["an empty header", { headers: { "X-User": "" }, body: BODY }],
    ["an empty query parameter", { path: "/getToken?user=", body: BODY }],
    ["a query parameter without a value", { path: "/getToken?user", body: BODY }],
    ["a header that is too long", { headers: { "X-User": "a".repeat(2_000) }, body: BODY }],
    ["no place with a value", { body: { who: [] } }],
    ["a pointer that ends in a number", { body: { who: [{ "user/id": 5 }] } }],
    ["a pointer that leads into text", { body: { who: "text" } }],
    ["a pointer that leads into null", { body: { who: [null] } }],
  ])("refuses %s and looks no further", async (_what, options) => {
    expectError(await proxy.call(options), "call_invalid");
    expect(proxy.provider.requests).toEqual([]);
  });

  const broken = ["%", "%zz", "%ff", "%e6%9d"];
  it.each(broken)("refuses the broken percent-encoding %s in the query", async (encoded) => {
    expectError(await proxy.call({ path: `/getToken?user=alice${encoded}`, body: BODY }), "call_invalid");
    expect(proxy.provider.requests).toEqual([]);
  });

  // One reader takes such bytes for latin-1 and another for UTF-8, and then a user is taken for somebody else.
  it.each([
    ["utf-8", Buffer.from("Søren").toString("latin1")],
    ["latin-1", "S\xf8ren"],
  ])("refuses a header value beyond ascii, in %s", async (_coding, value) => {
    // As bytes: node:http writes headers in one piece with a body of text, and then in its coding.
    const body = Buffer.from(JSON.stringify(BODY));
    expectError(await proxy.call({ headers: { "X-User": value }, body }), "call_invalid");
    expect(proxy.provider.requests).toEqual([]);
  });
});

describe(`a call by GET on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: bound({ method: "GET", path: "/token", values: { userid: ["query:userid"] } }, ["userid"]),
  });
  const call = (changes: CallOptions = {}) =>
    proxy.call({ method: "GET", path: "/token?userid=alice", body: undefined, ...changes });

  it("is answered", async () => {
    expect((await call()).text).toContain("the-token");
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.each(["HEAD", "POST", "OPTIONS", "PUT"])("answers 405 to %s and allows GET", async (method) => {
    const answer = await call({ method });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET"]);
    expect(proxy.provider.requests).toEqual([]);
  });

  it("is refused without the key", async () => {
    expectError(await call({ headers: { "X-apikey": undefined } }), "caller_unauthenticated");
    expect(proxy.provider.requests).toEqual([]);
  });
});
