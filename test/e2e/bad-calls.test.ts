// Calls that are refused before their body matters: who calls, by which method, at which path, for which virtual server.

import { describe, expect, it } from "vitest";
import { APIKEY, CALL, type CallOptions } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectError, MARKER } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { exchange, request } from "../support/raw-call.ts";

const NEXT_APIKEY = "next-apikey-0123456789abcdef";
const LIMITED_APIKEY = "limited-apikey-0123456789abcdef";

describe(`the caller's credentials on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: {
      callers: {
        "nextauth-server": { apikeys: [{ env: "APIKEY" }, { env: "NEXT_APIKEY" }] },
        limited: { apikeys: [{ env: "LIMITED_APIKEY" }], serverids: ["c2VydmVyLTE=", "c2VydmVyLTI="] },
      },
    },
    secrets: { NEXT_APIKEY, LIMITED_APIKEY },
  });

  it.each<[string, CallOptions]>([
    ["no key", { headers: { "X-apikey": undefined } }],
    ["an empty key", { headers: { "X-apikey": "" } }],
    ["a wrong key", { headers: { "X-apikey": MARKER } }],
    ["the right key in another case", { headers: { "X-apikey": APIKEY.toUpperCase() } }],
    ["the right key and one character more", { headers: { "X-apikey": `${APIKEY}0` } }],
    ["the right key without its last character", { headers: { "X-apikey": APIKEY.slice(0, -1) } }],
    ["the right key twice in one header", { headers: { "X-apikey": `${APIKEY}, ${APIKEY}` } }],
    ["a wrong key beside the right one", { headers: { "X-apikey": [MARKER, APIKEY] } }],
    ["both keys at once", { headers: { "X-apikey": [APIKEY, NEXT_APIKEY] } }],
    ["a key of 8 kB", { headers: { "X-apikey": APIKEY.repeat(320) } }],
    ["the key in Authorization", { headers: { "X-apikey": undefined, Authorization: `Bearer ${APIKEY}` } }],
    [
      "the key in Authorization as basic",
      { headers: { "X-apikey": undefined, Authorization: `Basic ${Buffer.from(`:${APIKEY}`).toString("base64")}` } },
    ],
    ["the key in the query", { headers: { "X-apikey": undefined }, path: `/getToken?X-apikey=${APIKEY}` }],
    ["the key in the body", { headers: { "X-apikey": undefined }, body: { ...CALL, "X-apikey": APIKEY } }],
    ["the key in a cookie", { headers: { "X-apikey": undefined, Cookie: `X-apikey=${APIKEY}` } }],
    ["the key in a header with an underscore", { headers: { "X-apikey": undefined, X_apikey: APIKEY } }],
    ["the name of the key", { headers: { "X-apikey": "APIKEY" } }],
    ["no key, as curl and from the loopback", { headers: { "X-apikey": undefined, "User-Agent": "curl/8" } }],
    [
      "no key, and headers that proxies set",
      { headers: { "X-apikey": undefined, "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "::1" } },
    ],
    ["a wrong key and a body that is not json either", { headers: { "X-apikey": MARKER }, body: "{" }],
    ["a wrong key and a body of 1 MB", { headers: { "X-apikey": MARKER }, body: "a".repeat(1_000_000) }],
  ])("answers caller_unauthenticated for %s", async (_what, options) => {
    const answer = await proxy.call(options);
    expectError(answer, "caller_unauthenticated");
    expect(answer.headers["www-authenticate"]).toMatch(/^[A-Za-z-]+ realm="[^"]+"$/);
    expect(answer.text).not.toContain(APIKEY);
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each([
    ["old", APIKEY],
    ["new", NEXT_APIKEY],
  ])("takes the %s of two keys", async (_which, apikey) => {
    expect((await proxy.call({ headers: { "X-apikey": apikey } })).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.each(["c2VydmVyLTE=", "c2VydmVyLTI="])("lets a caller speak for each of its serverids: %s", async (serverid) => {
    const answer = await proxy.call({ headers: { "X-apikey": LIMITED_APIKEY }, body: { ...CALL, serverid } });
    expect(answer.status).toBe(200);
  });

  it.each<[string, string | undefined]>([
    ["another serverid", MARKER],
    ["no serverid", undefined],
    ["its serverid in another case", "C2VYDMVYLTE="],
    ["its serverid without padding", "c2VydmVyLTE"],
    ["two of its serverids in one", "c2VydmVyLTE=,c2VydmVyLTI="],
  ])("answers caller_not_allowed to a caller of some serverids for %s", async (_what, serverid) => {
    const answer = await proxy.call({ headers: { "X-apikey": LIMITED_APIKEY }, body: { ...CALL, serverid } });
    expectError(answer, "caller_not_allowed");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("writes no key into its log", async () => {
    await proxy.call({ headers: { "X-apikey": MARKER } });
    await proxy.call({ headers: { "X-apikey": LIMITED_APIKEY }, body: { ...CALL, serverid: MARKER } });
    const { headers } = await proxy.call();
    await expect.poll(() => proxy.host.output()).toContain(headers["x-request-id"]);
    for (const secret of [MARKER, APIKEY, NEXT_APIKEY, LIMITED_APIKEY]) {
      expect(proxy.host.output()).not.toContain(secret);
    }
  });
});

describe(`methods and paths on ${RUNTIME}`, () => {
  const proxy = useProxy();

  it.each(["OPTIONS", "GET", "PUT", "DELETE", "PATCH", "TRACE"])(
    "answers method_not_allowed with Allow for %s",
    async (method) => {
      for (const headers of [{ "Content-Type": undefined }, { "X-HTTP-Method-Override": "POST" }]) {
        const answer = await proxy.call({ method, body: undefined, headers });
        expectError(answer, "method_not_allowed");
        expect(answer.headers.allow).toBe("POST");
      }
      expect(proxy.provider.requests).toEqual([]);
    },
  );

  it("answers a GET with the body of a proper call no better", async () => {
    expectError(await proxy.call({ method: "GET" }), "method_not_allowed");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("answers HEAD with 405, Allow and no body", async () => {
    const { status, head, body } = await exchange(proxy.host.url, request("HEAD", "/getToken", {}, ""));
    expect(status).toBe(405);
    expect(head).toMatch(/^allow: POST$/im);
    expect(head).toMatch(/^cache-control: no-store$/im);
    expect(body).toBe("");
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each([
    "/",
    "//getToken",
    "///getToken",
    "//127.0.0.1/getToken",
    "/%67etToken",
    "/%2FgetToken",
    "/getToken/",
    "/getToken/.",
    "/getToken%2F",
    "/GETTOKEN",
    "/gettoken",
    "/getToken;x",
    "/getToken%3Fx=1",
    "/getToken%00",
    "/getToken%",
    "/getToken&x",
    "/getTokens",
    "/getToken/alice",
    "/v1/getToken",
    "/?/getToken",
    "/index.html?path=/getToken",
    `/${MARKER}`,
  ])("answers not_found at %s", async (path) => {
    expectError(await proxy.call({ path }), "not_found");
    expect(proxy.provider.requests).toEqual([]);
  });

  // What guards paths in front of this proxy sees another one than /getToken.
  it.each(["/./getToken", "/any/../getToken", "/%2e/getToken", "/any/%2E%2e/getToken"])(
    "answers not_found at %s, however it may be resolved",
    async (path) => {
      expectError(await proxy.call({ path }), "not_found");
      expect(proxy.provider.requests).toEqual([]);
    },
  );

  it("answers not_found to every method and caller at an unknown path", async () => {
    for (const method of ["GET", "PUT", "OPTIONS"]) {
      expectError(await proxy.call({ method, path: "/unknown", body: undefined }), "not_found");
    }
    expectError(await proxy.call({ path: "/unknown", headers: { "X-apikey": undefined } }), "not_found");
  });

  it.each(["/getToken?x=1", "/getToken?", "/getToken?/../x"])("takes a call at %s", async (path) => {
    expect((await proxy.call({ path })).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.each(["a/getToken?", "a/getToken#", "a@b", "a b", "a\\getToken?", ""])(
    "takes no call at another path for the sake of the Host header %j",
    async (host) => {
      const { status } = await exchange(proxy.host.url, request("POST", "/other", { Host: host }));
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(proxy.provider.requests).toEqual([]);
    },
  );
});

describe(`routes and values that a provider needs on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: (tokenEndpoint: string) => ({
      providers: {
        main: providerConfig(tokenEndpoint, {
          params: { account: "{{accountid}}" },
          headers: { "X-User": "{{userid}}" },
        }),
        second: providerConfig(tokenEndpoint, { scope: "for {{serverid}}" }),
      },
      routes: [
        { serverid: "one", provider: "main" },
        { serverid: "two", provider: "second" },
      ],
    }),
  });

  it.each<[string, object]>([
    ["a serverid without a route", { serverid: MARKER }],
    ["no serverid where every route wants one", { serverid: undefined }],
    ["a serverid in another case", { serverid: "ONE" }],
    ["the name of a provider", { serverid: "main" }],
    ["the name of an object's own member", { serverid: "constructor" }],
  ])("answers no_route for %s", async (_what, changes) => {
    expectError(await proxy.call({ body: { ...CALL, ...changes } }), "no_route");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("answers call_invalid, naming value and provider, where a template's value is not in the call", async () => {
    const description = expectError(await proxy.call({ body: { serverid: "one", userid: "alice" } }), "call_invalid");
    expect(description).toContain('"accountid"');
    expect(description).toContain('"providers.main"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it("answers call_invalid, naming the header, where a header's template gets what no header may carry", async () => {
    const call = { serverid: "one", userid: `Ærø ${MARKER}`, accountid: 7 };
    expect(expectError(await proxy.call({ body: call }), "call_invalid")).toContain("providers.main.headers");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("asks the provider that the first matching route names", async () => {
    expect((await proxy.call({ body: { serverid: "one", userid: "alice", accountid: 7 } })).status).toBe(200);
    expect((await proxy.call({ body: { serverid: "two", userid: "alice" } })).status).toBe(200);
    expect(proxy.provider.requests.map(({ body }) => body)).toEqual([
      expect.stringMatching(/&account=7$/),
      expect.stringMatching(/&scope=for\+two$/),
    ]);
    expect(proxy.provider.requests[0]?.headers["x-user"]).toBe("alice");
  });
});
