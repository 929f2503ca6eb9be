// Calls that are refused before a provider is asked: by credentials, method, path, body or size.

import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { APIKEY, CALL, type CallOptions } from "../support/call.ts";
import { expectError, MARKER, type TableCode } from "../support/expect-error.ts";
import { useProxy } from "../support/proxy.ts";
import { closeOf, exchange, request } from "../support/raw-call.ts";

const NEXT_APIKEY = "next-apikey-0123456789abcdef";
const LIMITED_APIKEY = "limited-apikey-0123456789abcdef";
const MAX_BYTES = 65_536;
const MEGABYTE = "a".repeat(1_000_000);
const CHUNKED = { "Content-Length": undefined, "Transfer-Encoding": "chunked" };

const proxy = useProxy({
  file: {
    callers: {
      "nextauth-server": { apikeys: [{ env: "APIKEY" }, { env: "NEXT_APIKEY" }] },
      limited: { apikeys: [{ env: "LIMITED_APIKEY" }], serverids: [CALL.serverid] },
    },
    routes: [{ serverid: CALL.serverid, provider: "main" }],
  },
  secrets: { NEXT_APIKEY, LIMITED_APIKEY },
});

async function expectRefused(code: TableCode, options: CallOptions) {
  const answer = await proxy.call(options);
  const description = expectError(answer, code);
  expect(proxy.provider.requests).toEqual([]);
  return { headers: answer.headers, description };
}

describe("a caller", () => {
  const NO_KEY = { "X-apikey": undefined };

  it.each<[string, CallOptions]>([
    ["no key", { headers: NO_KEY }],
    ["a wrong key", { headers: { "X-apikey": MARKER } }],
    ["a wrong key beside the right one", { headers: { "X-apikey": [MARKER, APIKEY] } }],
    ["two right keys", { headers: { "X-apikey": [APIKEY, NEXT_APIKEY] } }],
    ["the key in Authorization and in a cookie", { headers: { ...NO_KEY, Authorization: APIKEY, Cookie: APIKEY } }],
    ["the key in X_apikey", { headers: { ...NO_KEY, X_apikey: APIKEY } }],
    ["the key in the query", { headers: NO_KEY, path: `/getToken?X-apikey=${APIKEY}` }],
    ["the headers of a local proxy", { headers: { ...NO_KEY, "X-Forwarded-For": "127.0.0.1", "X-Real-IP": "::1" } }],
    ["a wrong key and a megabyte", { headers: { "X-apikey": MARKER }, body: MEGABYTE }],
  ])("is refused with %s", async (_, options) => {
    const { headers } = await expectRefused("caller_unauthenticated", options);
    expect(headers["www-authenticate"]).toBe('x-apikey realm="getToken"');
  });

  it("may use each key of the file", async () => {
    for (const apikey of [APIKEY, NEXT_APIKEY, LIMITED_APIKEY]) {
      expect((await proxy.call({ headers: { "X-apikey": apikey } })).status).toBe(200);
    }
  });

  it.each([MARKER, undefined, CALL.serverid.toUpperCase(), "c2VydmVyLTE"])(
    "is limited to its serverids, unlike %s",
    async (serverid) => {
      const headers = { "X-apikey": LIMITED_APIKEY };
      await expectRefused("caller_not_allowed", { headers, body: { ...CALL, serverid } });
    },
  );
});

it("a call for a serverid without a route is refused", async () => {
  await expectRefused("no_route", { body: { ...CALL, serverid: MARKER } });
});

describe("methods and paths", () => {
  it.each(["OPTIONS", "GET", "PUT", "TRACE"])("answers method_not_allowed to %s", async (method) => {
    const headers = { "Content-Type": undefined, "X-HTTP-Method-Override": "POST" };
    const refused = await expectRefused("method_not_allowed", { method, body: undefined, headers });
    expect(refused.headers.allow).toBe("POST");
  });

  it("answers method_not_allowed to a GET with a body", async () => {
    await expectRefused("method_not_allowed", { method: "GET" });
  });

  it("answers HEAD with 405, Allow and no body", async () => {
    const { status, head, body } = await exchange(proxy.host.url, request("HEAD", "/getToken", {}, ""));
    expect([status, body]).toEqual([405, ""]);
    expect(head).toMatch(/^allow: POST$/im);
    expect(head).toMatch(/^cache-control: no-store$/im);
    expect(proxy.provider.requests).toEqual([]);
  });

  // A guard in front of the proxy that looks for /getToken would let each of these pass.
  const SPELLINGS = `/ //getToken ///getToken //127.0.0.1/getToken /%67etToken /%2FgetToken /getToken/ /getToken/.
    /getToken%2F /GETTOKEN /getToken;x /getToken%3Fx=1 /getToken%00 /getToken% /getToken&x /getTokens
    /getToken/alice /v1/getToken /?/getToken /index.html?path=/getToken /${MARKER}
    /./getToken /any/../getToken /%2e/getToken /any/%2E%2e/getToken`;
  it.each(SPELLINGS.split(/\s+/))("answers not_found at %s", async (path) => {
    await expectRefused("not_found", { path });
  });

  it("answers not_found to every method and caller at an unknown path", async () => {
    await expectRefused("not_found", { method: "OPTIONS", path: "/unknown", body: undefined });
    await expectRefused("not_found", { path: "/unknown", headers: { "X-apikey": undefined } });
  });

  it.each(["/getToken?x=1", "/getToken?", "/getToken?/../x"])("accepts a call at %s", async (path) => {
    expect((await proxy.call({ path })).status).toBe(200);
  });

  it.each(["a/getToken?", "a/getToken#", "a@b", "a b", "a\\getToken?", ""])(
    "takes no path from the Host header %j",
    async (host) => {
      const { status } = await exchange(proxy.host.url, request("POST", "/other", { Host: host }));
      expect(Math.floor(status / 100)).toBe(4);
      expect(proxy.provider.requests).toEqual([]);
    },
  );
});

describe("a call is invalid with", () => {
  const latin1 = (text: string) => Buffer.from(text, "latin1");
  const gzip = gzipSync(JSON.stringify(CALL));

  it.each<[string, CallOptions, string]>([
    ["no body", { body: undefined }, "body"],
    ["bytes that are not UTF-8", { body: latin1('{"userid":"alice\xff"}') }, "body"],
    ["a surrogate in UTF-8", { body: latin1('{"userid":"\xed\xa0\x80"}') }, "body"],
    ["gzip", { body: gzip, headers: { "Content-Encoding": "gzip" } }, "body"],
    ["a nonce that is not ASCII", { headers: { "X-nonce": "5f1d\xe9" } }, "x-nonce"],
  ])("%s", async (_, options, named) => {
    expect((await expectRefused("call_invalid", options)).description).toContain(named);
  });
});

describe("the size of a call", () => {
  const FRAMINGS: [string, NonNullable<CallOptions["headers"]>][] = [
    ["with Content-Length", {}],
    ["in chunks", CHUNKED],
  ];
  /** A valid call of this many bytes. */
  const callOf = (bytes: number) => {
    const start = `${JSON.stringify(CALL).slice(0, -1)},"more":"`;
    return `${start}${"a".repeat(bytes - start.length - 2)}"}`;
  };

  it.each(FRAMINGS)("may be 64 KiB %s, and not a byte more", async (_, headers) => {
    await expectRefused("call_too_large", { body: callOf(MAX_BYTES + 1), headers });
    expect((await proxy.call({ body: callOf(MAX_BYTES), headers })).status).toBe(200);
  });

  it.each(FRAMINGS)("is refused at a megabyte %s, and the next call is answered", async (_, headers) => {
    await expectRefused("call_too_large", { body: MEGABYTE, headers });
    // node:http keeps its connections: this call comes on the same one, if the proxy leaves it
    // open.
    expect((await proxy.call()).status).toBe(200);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["Content-Length", { "Content-Length": "1000" }, "{"],
    ["chunks", CHUNKED, "1\r\n{\r\n"],
  ])("is call_timeout if the body does not come in time, with %s", async (_, headers, body) => {
    const { status, body: text } = await exchange(proxy.host.url, request("POST", "/getToken", headers, body));
    expect([status, text]).toEqual([408, expect.stringContaining('"error_code":"call_timeout"')]);
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["a Content-Length over the limit, before the body", { "Content-Length": "1000000" }, ""],
    ["chunks over the limit, before their end", CHUNKED, `11000\r\n${"a".repeat(0x11000)}\r\n`],
  ])("is refused for %s", async (_, headers, sent) => {
    const { status, body } = await exchange(proxy.host.url, request("POST", "/getToken", headers, sent));
    expect(status).toBe(413);
    expect(body).toContain('"error_code":"call_too_large"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["its Content-Length", { "Content-Length": "1000" }, JSON.stringify(CALL)],
    ["its chunks", CHUNKED, `ff\r\n${JSON.stringify(CALL)}`],
  ])("must be that of %s: a call that breaks off reaches no provider", async (_, headers, body) => {
    const { hostname, port } = new URL(proxy.host.url);
    const socket = connect(Number(port), hostname);
    socket.end(request("POST", "/getToken", headers, body));
    socket.resume();
    await closeOf(socket);
    expect((await proxy.call()).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
  });
});
