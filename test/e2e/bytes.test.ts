// The provider's body reaches the caller byte for byte, whatever it looks like and however it was
// sent; of its headers only the type.

import { readFile } from "node:fs/promises";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Answered } from "../support/call.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { chunked, chunks, head, raw, thenClose } from "../support/raw-answers.ts";
import { type Answer, json, respond } from "../support/recording-provider.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
/** The default of max_response_bytes. */
const MAX_BYTES = 65_536;

const proxy = useProxy();

const fixture = (name: string) => readFile(new URL(`../fixtures/bodies/${name}`, import.meta.url));

/** A token response of this many bytes, no two parts of it alike. */
function bodyOf(length: number): Buffer {
  const start = '{"access_token":"';
  let value = "";
  for (let i = 0; value.length < length; i++) value += i.toString(36);
  return Buffer.from(`${start}${value.slice(0, length - start.length - 2)}"}`);
}

async function expectRelayed(answer: Answer, body: Buffer, status = 200): Promise<Answered> {
  proxy.provider.answer = answer;
  const answered = await proxy.call();
  expect(answered.status).toBe(status);
  // toEqual would print a token response of 60 kB byte by byte.
  expect(answered.body.equals(body), `got ${answered.text.slice(0, 300)}`).toBe(true);
  expect(answered.headers["content-length"]).toBe(String(body.length));
  expect(answered.headers).not.toHaveProperty("content-encoding");
  expect(answered.headers).not.toHaveProperty("transfer-encoding");
  return answered;
}

describe("the body is relayed unchanged", () => {
  it.each([
    ["odd spacing", "odd-spacing.json", ' \n\t{ "access_token" :"'],
    ["\\u escapes and escaped slashes", "escapes.json", "\\u002D2\\u0041"],
    ["numbers beyond 2^53 and beyond 1e308", "numbers.json", '9007199254740993,"huge":1e400'],
    ["duplicate members", "duplicate-members.json", '"scope":"a","scope":"b"'],
    ["an unusual member order", "member-order.json", '"10":"ten","2":"two"'],
    ["a byte order mark", "bom.json", "\ufeff{"],
    ["a trailing newline", "trailing-newline.json", "}\n"],
    ["several trailing newlines", "trailing-newlines.json", "}\n\n\r\n \n"],
    ["carriage returns", "crlf.json", "{\r\n"],
    ["text beyond ASCII", "non-ascii.json", "e\u0301 é 東京 😀 \u2028 \ufeff"],
    ["expires_in as text", "expires-in-text.json", '"expires_in" : "3599"'],
    ["members of vendors", "vendor-members.json", '"developer.email": "'],
    ["an empty scope", "empty-scope.json", '"scope":"" ,'],
  ])("with %s", async (_, file, part) => {
    const body = await fixture(file);
    expect(body.includes(part)).toBe(true);
    // Parsing and writing this file again would show.
    const parsed = JSON.parse(body.toString("utf8").replace(/^\ufeff/, ""));
    expect(body.equals(Buffer.from(JSON.stringify(parsed)))).toBe(false);
    await expectRelayed(respond({ headers: JSON_TYPE, body }), body);
  });

  it.each([60_000, MAX_BYTES])("with %d bytes", async (length) => {
    const body = bodyOf(length);
    expect(body).toHaveLength(length);
    await expectRelayed(respond({ headers: JSON_TYPE, body }), body);
  });

  it.each([
    [400, "invalid-grant.json", 400],
    [403, "mfa-required.json", 403],
    [200, "error-in-200.json", 403],
  ])("of a refusal with status %i: %s, as %i", async (status, file, relayed) => {
    const body = await fixture(file);
    await expectRelayed(respond({ status, headers: JSON_TYPE, body }), body, relayed);
  });
});

describe("the body is relayed without its framing", () => {
  it.each<[string, string, (body: Buffer) => Answer]>([
    ["many small chunks, cut inside characters", "non-ascii.json", (body) => chunked(body, 1)],
    [
      "a body that the connection's end ends",
      "trailing-newlines.json",
      (body) => thenClose(raw(head(JSON_TYPE), body)),
    ],
    ["HTTP/1.0", "crlf.json", (body) => thenClose(raw(head(JSON_TYPE).replace("HTTP/1.1", "HTTP/1.0"), body))],
    [
      "an interim response before it",
      "escapes.json",
      (body) => raw(head({ Link: "</a>" }, 103), head({ ...JSON_TYPE, "Content-Length": String(body.length) }), body),
    ],
    ["gzip in small chunks", "numbers.json", (body) => chunked(gzipSync(body), 7, { "Content-Encoding": "gzip" })],
  ])("%s", async (_, file, answer) => {
    const body = await fixture(file);
    await expectRelayed(answer(body), body);
  });

  it("chunk extensions and a trailer", async () => {
    const body = await fixture("odd-spacing.json");
    const [whole] = chunks(body, body.length) as [Buffer];
    const extended = Buffer.from(whole.toString("utf8").replace("\r\n", ';name="value"\r\n'));
    const headers = head({ ...JSON_TYPE, "Transfer-Encoding": "chunked", Trailer: "X-Trailer" });
    const { rawHeaders } = await expectRelayed(raw(headers, extended, "0\r\nX-Trailer: 1\r\n\r\n"), body);
    expect(rawHeaders.join()).not.toMatch(/trailer/i);
  });

  const coded = (coding: string, body: Buffer, status = 200) =>
    respond({ status, headers: { ...JSON_TYPE, "Content-Encoding": coding }, body });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ])("%s, which nobody asked for", async (coding, encode) => {
    const body = bodyOf(20_000);
    await expectRelayed(coded(coding, encode(body)), body);
    expect(proxy.provider.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });

  it("gzip of a refusal", async () => {
    const body = await fixture("invalid-grant.json");
    await expectRelayed(coded("gzip", gzipSync(body), 400), body, 400);
  });

  const NODE_ONLY: [string, (body: Buffer) => Buffer][] = [
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
    ["gzip, identity", gzipSync],
  ];
  it.runIf(RUNTIME === "node").each(NODE_ONLY)("%s, on Node", async (coding, encode) => {
    const body = await fixture("odd-spacing.json");
    await expectRelayed(coded(coding, encode(body)), body);
  });
  it.runIf(RUNTIME === "workerd").each(NODE_ONLY)(
    "%s is provider_not_json in workerd, which does not decode it",
    async (coding, encode) => {
      proxy.provider.answer = coded(coding, encode(await fixture("odd-spacing.json")));
      expectProviderError(await proxy.call(), "provider_not_json");
    },
  );
});

describe("the headers", () => {
  const BODY = '{ "access_token":"t" }';
  const withType = (lines: Buffer | string) =>
    raw(`HTTP/1.1 200 Any\r\nContent-Length: ${BODY.length}\r\n`, lines, `\r\n${BODY}`);

  it("are the type of the provider's body and ours", async () => {
    const Type = "application/json;charset=UTF-8";
    const provider = { "Set-Cookie": "a=b", Server: "vendor", "X-Vendor": "1", "Cache-Control": "public, max-age=9" };
    proxy.provider.answer = json(BODY, 201, { ...provider, "Content-Type": Type, "Keep-Alive": "timeout=1" });
    const answer = await proxy.call();
    expect([answer.status, answer.text]).toEqual([201, BODY]);
    const { date, connection, "keep-alive": keepAlive, "x-request-id": requestId, ...headers } = answer.headers;
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers).toEqual({
      "cache-control": "no-store",
      "content-length": String(BODY.length),
      "content-type": Type,
      pragma: "no-cache",
      "x-content-type-options": "nosniff",
    });
  });

  it.each<[string, Buffer | string]>([
    ["is missing", ""],
    ["is empty", "Content-Type: \r\n"],
    ["has bytes beyond ASCII", Buffer.from("Content-Type: text/plain; x=\xe9\x80\xff\r\n", "latin1")],
    ["is longer than any media type", `Content-Type: text/plain; x=${"a".repeat(4_000)}\r\n`],
    ["is sent twice", "Content-Type: application/json\r\nContent-Type: text/html\r\n"],
    ["is made to slow down a regular expression", `Content-Type: a/b${"; ".repeat(40)}@,\r\n`],
  ])("have application/json if the provider's type %s", async (_, lines) => {
    const { headers } = await expectRelayed(withType(lines), Buffer.from(BODY));
    expect(headers["content-type"]).toBe("application/json");
  });

  const CONTROL = withType("Content-Type: text/plain; x=\x01\r\n");
  it.runIf(RUNTIME === "node")("with a control character are refused by Node's parser", async () => {
    proxy.provider.answer = CONTROL;
    expectProviderError(await proxy.call(), "provider_error");
  });
  it.runIf(RUNTIME === "workerd")("have application/json if the type has a control character, in workerd", async () => {
    expect((await expectRelayed(CONTROL, Buffer.from(BODY))).headers["content-type"]).toBe("application/json");
  });
});
