// Calls whose body, or a value in it, is not what it must be: each is refused and reaches no provider.

import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { APIKEY, CALL, type CallOptions } from "../support/call.ts";
import { expectError, MARKER } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { closeOf, exchange, request } from "../support/raw-call.ts";

/** A call may be this long. */
const MAX_BYTES = 65_536;
const MEGABYTE = "a".repeat(1_000_000);
const CHUNKED = { "Content-Length": undefined, "Transfer-Encoding": "chunked" };

const proxy = useProxy();

async function expectInvalid(options: CallOptions) {
  expectError(await proxy.call(options), "call_invalid");
  expect(proxy.provider.requests).toEqual([]);
}

/** A proper call of exactly this many bytes. */
function callOf(bytes: number): string {
  const start = `${JSON.stringify(CALL).slice(0, -1)},"more":"`;
  return `${start}${"a".repeat(bytes - start.length - 2)}"}`;
}

describe(`the body of a call on ${RUNTIME}`, () => {
  it.each<[string, unknown]>([
    ["no body", undefined],
    ["an empty body", ""],
    ["white space", " \r\n"],
    ["text that is no json", MARKER],
    ["json that is cut", `{"userid":"${MARKER}"`],
    ["json with more behind it", `{"userid":"${MARKER}"}{}`],
    ["json with a trailing comma", `{"userid":"${MARKER}",}`],
    ["json with single quotes", `{'userid':'${MARKER}'}`],
    ["json with a raw line break in a text", `{"userid":"${MARKER}\n"}`],
    ["an array", JSON.stringify([CALL])],
    ["text", JSON.stringify(MARKER)],
    ["null", "null"],
    ["a number", "42"],
    ["true", "true"],
    ["an empty object", "{}"],
    ["invalid utf-8", Buffer.from('{"userid":"alice\xff"}', "latin1")],
    ["latin-1", Buffer.from('{"userid":"S\xf8ren"}', "latin1")],
    ["utf-8 that is cut inside a character", Buffer.from('{"userid":"\xe6\x9d"}', "latin1")],
    ["a surrogate in utf-8", Buffer.from('{"userid":"\xed\xa0\x80"}', "latin1")],
    ["an overlong form", Buffer.from('{"userid":"\xc0\xaf"}', "latin1")],
    ["utf-16", Buffer.from(JSON.stringify(CALL), "utf16le")],
    ["gzip", gzipSync(JSON.stringify(CALL))],
    ["a form", "serverid=c2VydmVyLTE%3D&userid=alice"],
  ])("answers call_invalid for %s", async (_what, body) => {
    await expectInvalid({ body });
  });

  it("answers call_invalid for a body of gzip that says so", async () => {
    await expectInvalid({ headers: { "Content-Encoding": "gzip" }, body: gzipSync(JSON.stringify(CALL)) });
  });

  it.each([
    undefined,
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=a",
    "application/jsonx",
    "application/json-seq",
    "application/",
    "json",
    `text/plain; a="application/json"`,
    "application/xml, application/json",
  ])("answers call_invalid for the Content-Type %s", async (type) => {
    await expectInvalid({ headers: { "Content-Type": type } });
  });

  it("answers call_invalid for a form where json is bound", async () => {
    await expectInvalid({
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: "serverid=c2VydmVyLTE%3D&userid=alice",
    });
  });

  it.each(["application/json;charset=UTF-8", "APPLICATION/JSON", "application/vnd.nextauth+json ; v=1"])(
    "takes the Content-Type %s",
    async (type) => {
      expect((await proxy.call({ headers: { "Content-Type": type } })).status).toBe(200);
    },
  );
});

describe(`the values of a call on ${RUNTIME}`, () => {
  const USERIDS: [string, string][] = [
    ["missing", ""],
    ["null", '"userid":null'],
    ["empty", '"userid":""'],
    ["a number", '"userid":42'],
    ["true", '"userid":true'],
    ["an object", '"userid":{"id":"alice"}'],
    ["an array", '"userid":["alice"]'],
    ["of 10 kB", `"userid":"${"a".repeat(10_000)}"`],
    ["with a line break", '"userid":"alice\\n"'],
    ["with a nul", '"userid":"alice\\u0000"'],
    ["with a delete", '"userid":"\\u007falice"'],
    ["with a control character beyond ascii", '"userid":"alice\\u0085"'],
    ["a lone high surrogate", '"userid":"\\ud800"'],
    ["a lone low surrogate", '"userid":"alice\\udfff"'],
    ["surrogates in the wrong order", '"userid":"\\udc00\\ud800"'],
    ["under another name", '"userId":"alice"'],
    ["further down", '"user":{"userid":"alice"}'],
    ["inherited", '"__proto__":{"userid":"alice"}'],
  ];
  it.each(USERIDS)("answers call_invalid for a userid that is %s", async (_what, member) => {
    const members = ['"serverid":"c2VydmVyLTE="', '"accountid":7', member].filter((text) => text !== "");
    const answer = await proxy.call({ body: `{${members.join()}}` });
    expect(expectError(answer, "call_invalid")).toContain('"userid"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, string]>([
    ["text", '"7"'],
    ["empty text", '""'],
    ["a fraction", "7.5"],
    ["beyond what a number tells apart", "9007199254740993"],
    ["a 1e20", "1e20"],
    ["infinite", "1e400"],
    ["true", "true"],
    ["an array", "[7]"],
    ["an object", "{}"],
  ])("answers call_invalid for an accountid that is %s", async (_what, accountid) => {
    const answer = await proxy.call({ body: `{"serverid":"a","userid":"alice","accountid":${accountid}}` });
    expect(expectError(answer, "call_invalid")).toContain('"accountid"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, unknown]>([
    ["a number", 1],
    ["an object", {}],
    ["empty", ""],
    ["of 10 kB", "a".repeat(10_000)],
    ["with a control character", "a\tb"],
  ])("answers call_invalid for a serverid that is %s", async (_what, serverid) => {
    expect(expectError(await proxy.call({ body: { ...CALL, serverid } }), "call_invalid")).toContain('"serverid"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, CallOptions]>([
    ["a number", { headers: { "X-nonce": undefined }, body: { ...CALL, nonce: 5 } }],
    ["empty", { headers: { "X-nonce": "" }, body: { ...CALL, nonce: "n" } }],
    ["of 10 kB", { headers: { "X-nonce": "a".repeat(10_000) } }],
    ["missing, though the provider needs it", { headers: { "X-nonce": undefined } }],
  ])("answers call_invalid for a nonce that is %s", async (_what, options) => {
    expect(expectError(await proxy.call(options), "call_invalid")).toContain('"nonce"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each([
    ["with spaces, quotes and signs", ` al"ice's + & = % ; a/b `],
    ["beyond ascii", "Søren 東京 😀 e\u0301"],
    ["of a thousand characters", "a".repeat(1_000)],
    ["that reads like a template", "{{client_secret}} {{nonce}}"],
  ])("sends a userid %s to the provider as it is", async (_what, userid) => {
    expect((await proxy.call({ body: { ...CALL, userid } })).status).toBe(200);
    expect(new URLSearchParams(proxy.provider.requests[0]?.body).getAll("userid")).toEqual([userid]);
  });
});

describe(`the size of a call on ${RUNTIME}`, () => {
  it.each<[string, CallOptions]>([
    ["with its Content-Length", { body: MEGABYTE }],
    ["in chunks", { body: MEGABYTE, headers: CHUNKED }],
  ])("answers call_too_large for a megabyte %s, and then the next call", async (_what, options) => {
    expectError(await proxy.call(options), "call_too_large");
    expect(proxy.provider.requests).toEqual([]);
    // node:http keeps its connections: this call comes on the same one, if the proxy leaves it open.
    expect((await proxy.call()).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.each<[string, object]>([
    ["with its Content-Length", {}],
    ["in chunks", CHUNKED],
  ])("takes a body of the limit %s, and not a byte more", async (_what, headers) => {
    expect(callOf(MAX_BYTES)).toHaveLength(MAX_BYTES);
    expect((await proxy.call({ body: callOf(MAX_BYTES), headers: { ...headers } })).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
    expectError(await proxy.call({ body: callOf(MAX_BYTES + 1), headers: { ...headers } }), "call_too_large");
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["a Content-Length beyond the limit, before the body came", { "Content-Length": "1000000" }, ""],
    ["chunks beyond the limit, before their end came", CHUNKED, `11000\r\n${"a".repeat(0x11000)}\r\n`],
  ])("answers call_too_large for %s", async (_what, headers, body) => {
    const { status, body: text } = await exchange(proxy.host.url, request("POST", "/getToken", headers, body));
    expect(status).toBe(413);
    expect(text).toContain('"error_code":"call_too_large"');
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["its Content-Length promises", { "Content-Length": "1000" }, "{"],
    ["its chunks promise", CHUNKED, "1\r\n{\r\n"],
  ])("answers call_timeout if the body does not have in time what %s", async (_what, headers, body) => {
    const { status, body: text } = await exchange(proxy.host.url, request("POST", "/getToken", headers, body));
    expect([status, text]).toEqual([408, expect.stringContaining('"error_code":"call_timeout"')]);
    expect(proxy.provider.requests).toEqual([]);
  });

  it.each<[string, Record<string, string | undefined>, string]>([
    ["its Content-Length promises", { "Content-Length": "1000" }, JSON.stringify(CALL)],
    ["its chunks promise", CHUNKED, `ff\r\n${JSON.stringify(CALL)}`],
  ])("asks no provider for a call that breaks off before %s", async (_what, headers, body) => {
    const { hostname, port } = new URL(proxy.host.url);
    const socket = connect(Number(port), hostname);
    socket.write(request("POST", "/getToken", headers, body));
    setTimeout(() => socket.end(), 50);
    socket.resume();
    await closeOf(socket);
    expect((await proxy.call()).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);
  });
});

describe(`the log of refused calls on ${RUNTIME}`, () => {
  it("holds neither what they sent nor the key", async () => {
    for (const body of [MARKER, `{"userid":"${MARKER}\\n"}`, `{"userid":42,"${MARKER}":1}`])
      await expectInvalid({ body });
    const { headers } = await proxy.call({ body: { ...CALL, userid: MARKER } });
    await expect.poll(() => proxy.host.output()).toContain(headers["x-request-id"]);
    expect(proxy.host.output()).not.toContain(MARKER);
    expect(proxy.host.output()).not.toContain(APIKEY);
  });
});
