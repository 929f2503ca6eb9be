// The provider's body reaches the caller byte for byte, whatever it looks like and however it was sent.

import { readFile } from "node:fs/promises";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Answered } from "../support/call.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { chunked, chunks, head, raw, thenClose } from "../support/raw-answers.ts";
import { json, respond } from "../support/recording-provider.ts";

const JSON_TYPE = { "Content-Type": "application/json" };
/** The default of max_response_bytes. */
const MAX_BYTES = 65_536;

const proxy = useProxy();

const fixture = (name: string) => readFile(new URL(`../fixtures/bodies/${name}`, import.meta.url));

/** A token response of exactly this many bytes, no two parts of it alike. */
function bodyOf(length: number): Buffer {
  const start = '{"access_token":"';
  let value = "";
  for (let i = 0; value.length < length; i++) value += i.toString(36);
  return Buffer.from(`${start}${value.slice(0, length - start.length - 2)}"}`);
}

function expectBytes(answer: Answered, status: number, body: Buffer): void {
  expect(answer.status).toBe(status);
  // By equals and not by toEqual, which would print a token response of 60 kB byte for byte.
  expect(answer.body.equals(body), `got ${answer.text.slice(0, 300)}`).toBe(true);
  expect(answer.headers["content-length"]).toBe(String(body.length));
  expect(answer.headers["content-encoding"]).toBeUndefined();
  expect(answer.headers["transfer-encoding"]).toBeUndefined();
}

describe(`the bytes of a token response on ${RUNTIME}`, () => {
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
    ["text beyond ascii", "non-ascii.json", "e\u0301 é 東京 😀 \u2028 \ufeff"],
    ["expires_in as text", "expires-in-text.json", '"expires_in" : "3599"'],
    ["members of vendors", "vendor-members.json", '"developer.email": "'],
    ["an empty scope", "empty-scope.json", '"scope":"" ,'],
  ])("relays %s unchanged", async (_what, file, has) => {
    const body = await fixture(file);
    // The file still holds what it is here for, and parsing and serialising it again would show.
    expect(body.includes(has)).toBe(true);
    const parsed = JSON.parse(body.toString("utf8").replace(/^\ufeff/, ""));
    expect(body.equals(Buffer.from(JSON.stringify(parsed)))).toBe(false);

    proxy.provider.answer = respond({ headers: JSON_TYPE, body });
    expectBytes(await proxy.call(), 200, body);
  });

  it.each([60_000, MAX_BYTES])("relays a body of %d bytes unchanged", async (length) => {
    const body = bodyOf(length);
    expect(body).toHaveLength(length);
    proxy.provider.answer = respond({ headers: JSON_TYPE, body });
    expectBytes(await proxy.call(), 200, body);
  });

  it("gives each of many callers at once the bytes of its own answer", async () => {
    proxy.provider.answer = (socket, request) => {
      const userid = new URLSearchParams(request.body).get("userid") as string;
      const answer = json(`{"access_token": "${userid.repeat(50)}"}`);
      setTimeout(() => answer(socket, request), Math.random() * 50);
    };
    const userids = Array.from({ length: 40 }, (_, index) => `user-${index};`);
    const answers = await Promise.all(userids.map((userid) => proxy.call({ body: { serverid: "a", userid } })));
    expect(answers.map(({ text }) => text)).toEqual(
      userids.map((userid) => `{"access_token": "${userid.repeat(50)}"}`),
    );
  });
});

describe(`the bytes of a refusal on ${RUNTIME}`, () => {
  it("relays the provider's 400 body unchanged", async () => {
    const body = await fixture("invalid-grant.json");
    proxy.provider.answer = respond({
      status: 400,
      headers: { "Content-Type": "application/json;charset=UTF-8" },
      body,
    });
    const answer = await proxy.call();
    expectBytes(answer, 400, body);
    expect(answer.headers["content-type"]).toBe("application/json;charset=UTF-8");
    expect(answer.headers["cache-control"]).toBe("no-store");
    expect(answer.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("relays the provider's 403 body unchanged", async () => {
    const body = await fixture("mfa-required.json");
    proxy.provider.answer = respond({ status: 403, headers: JSON_TYPE, body });
    expectBytes(await proxy.call(), 403, body);
  });

  it("makes a 200 with an error a 403 with the same bytes", async () => {
    const body = await fixture("error-in-200.json");
    proxy.provider.answer = respond({ status: 200, headers: JSON_TYPE, body });
    expectBytes(await proxy.call(), 403, body);
  });

  it("makes a 200 with both an error and an access_token a 403 with the same bytes", async () => {
    const body = Buffer.from('{"access_token":"t", "error":"access_denied"}');
    proxy.provider.answer = respond({ status: 200, headers: JSON_TYPE, body });
    expectBytes(await proxy.call(), 403, body);
  });
});

describe(`framing and coding of the provider's answer on ${RUNTIME}`, () => {
  it("relays a body that came in many small chunks, cut inside of characters", async () => {
    const body = await fixture("non-ascii.json");
    proxy.provider.answer = chunked(body, 1);
    expectBytes(await proxy.call(), 200, body);
  });

  it("relays a chunked body with chunk extensions and a trailer, without the trailer", async () => {
    const body = await fixture("odd-spacing.json");
    const [whole] = chunks(body, body.length) as [Buffer];
    const extended = Buffer.from(whole.toString("utf8").replace("\r\n", ';name="value"\r\n'));
    proxy.provider.answer = raw(
      head({ ...JSON_TYPE, "Transfer-Encoding": "chunked", Trailer: "X-Trailer" }),
      extended,
      "0\r\nX-Trailer: 1\r\n\r\n",
    );
    const answer = await proxy.call();
    expectBytes(answer, 200, body);
    expect(answer.rawHeaders.join()).not.toMatch(/trailer/i);
  });

  it("relays a body that the end of the connection ends", async () => {
    const body = await fixture("trailing-newlines.json");
    proxy.provider.answer = thenClose(raw(head(JSON_TYPE), body));
    expectBytes(await proxy.call(), 200, body);
  });

  it("relays the answer of an http/1.0 server", async () => {
    const body = await fixture("crlf.json");
    proxy.provider.answer = thenClose(raw(head(JSON_TYPE).replace("HTTP/1.1", "HTTP/1.0"), body));
    expectBytes(await proxy.call(), 200, body);
  });

  it("passes over an interim response", async () => {
    const body = await fixture("escapes.json");
    const interim = head({ Link: "</style.css>; rel=preload" }, 103);
    proxy.provider.answer = raw(interim, head({ ...JSON_TYPE, "Content-Length": String(body.length) }), body);
    expectBytes(await proxy.call(), 200, body);
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ])("relays the decoded body where the provider answers in %s unasked", async (coding, encode) => {
    const body = bodyOf(20_000);
    const encoded = encode(body);
    expect(encoded.length).toBeLessThan(body.length);
    proxy.provider.answer = respond({ headers: { ...JSON_TYPE, "Content-Encoding": coding }, body: encoded });
    expectBytes(await proxy.call(), 200, body);
    expect(proxy.provider.requests[0]?.headers["accept-encoding"]).toBe("identity");
  });

  it("relays the decoded body of a refusal in gzip", async () => {
    const body = await fixture("invalid-grant.json");
    const headers = { ...JSON_TYPE, "Content-Encoding": "gzip" };
    proxy.provider.answer = respond({ status: 400, headers, body: gzipSync(body) });
    expectBytes(await proxy.call(), 400, body);
  });

  it("relays the decoded body of gzip in small chunks", async () => {
    const body = await fixture("numbers.json");
    proxy.provider.answer = chunked(gzipSync(body), 7, { "Content-Encoding": "gzip" });
    expectBytes(await proxy.call(), 200, body);
  });

  const otherCodings: [string, (body: Buffer) => Buffer][] = [
    ["deflate", deflateSync],
    ["zstd", zstdCompressSync],
  ];
  it.runIf(RUNTIME === "node").each(otherCodings)("relays the decoded body of %s, on node", async (coding, encode) => {
    const body = await fixture("odd-spacing.json");
    proxy.provider.answer = respond({ headers: { ...JSON_TYPE, "Content-Encoding": coding }, body: encode(body) });
    expectBytes(await proxy.call(), 200, body);
  });
  it.runIf(RUNTIME === "workerd").each(otherCodings)(
    "answers provider_not_json for %s, which workerd does not decode",
    async (coding, encode) => {
      const body = await fixture("odd-spacing.json");
      proxy.provider.answer = respond({ headers: { ...JSON_TYPE, "Content-Encoding": coding }, body: encode(body) });
      expectProviderError(await proxy.call(), "provider_not_json");
    },
  );
});

describe(`the type of the body on ${RUNTIME}`, () => {
  const BODY = '{ "access_token":"t" }';
  const withType = (lines: Buffer | string) =>
    raw(`HTTP/1.1 200 Any\r\nContent-Length: ${BODY.length}\r\n`, lines, `\r\n${BODY}`);

  it.each([
    "application/json;charset=UTF-8",
    'application/json; charset="utf-8"; profile="a b"',
    "text/plain",
    "application/vnd.x+json",
  ])("relays %s as it is", async (type) => {
    proxy.provider.answer = withType(`Content-Type: ${type}\r\n`);
    const answer = await proxy.call();
    expectBytes(answer, 200, Buffer.from(BODY));
    expect(answer.headers["content-type"]).toBe(type);
  });

  it.each<[string, Buffer | string]>([
    ["is absent", ""],
    ["is empty", "Content-Type: \r\n"],
    ["has bytes beyond ascii", Buffer.from("Content-Type: text/plain; x=\xe9\x80\xff\r\n", "latin1")],
    ["is longer than any media type", `Content-Type: text/plain; x=${"a".repeat(4_000)}\r\n`],
    ["is sent twice", "Content-Type: application/json\r\nContent-Type: text/html\r\n"],
  ])("says application/json where the provider's type %s", async (_what, lines) => {
    proxy.provider.answer = withType(lines);
    const answer = await proxy.call();
    expectBytes(answer, 200, Buffer.from(BODY));
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  // A control character is an attack to Node's parser, while workerd reads on; neither relays it.
  it.runIf(RUNTIME === "node")("refuses an answer whose type has a control character, on node", async () => {
    proxy.provider.answer = withType("Content-Type: text/plain; x=\x01\r\n");
    expectProviderError(await proxy.call(), "provider_error");
  });
  it.runIf(RUNTIME === "workerd")(
    "says application/json where the type has a control character, on workerd",
    async () => {
      proxy.provider.answer = withType("Content-Type: text/plain; x=\x01\r\n");
      const answer = await proxy.call();
      expectBytes(answer, 200, Buffer.from(BODY));
      expect(answer.headers["content-type"]).toBe("application/json");
    },
  );
});
