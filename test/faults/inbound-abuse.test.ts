// Requests that two readers may read differently, on Node: each is refused before a token is asked for, and what is well-formed but
// rare is answered as it should be.

import { connect } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { noticed } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { exchange } from "../support/raw-call.ts";
import { json, type RecordedRequest } from "../support/recording-provider.ts";

const BODY = JSON.stringify(CALL);
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CHUNKED = "Transfer-Encoding: chunked\r\n";
const SIZE = BODY.length.toString(16);
const CHUNKS = `${SIZE}\r\n${BODY}\r\n0\r\n\r\n`;

const proxy = useProxy();

interface Parts {
  start?: string;
  host?: string;
  key?: string;
  /** Header lines, each with its end. */
  lines?: string;
  close?: string;
  body?: string;
}

/** A proper call but for what is given; the proxy closes the connection behind its answer. */
function call({
  start = "POST /getToken HTTP/1.1",
  host = "Host: x\r\n",
  key = `X-apikey: ${APIKEY}\r\n`,
  lines = LENGTH,
  close = "Connection: close\r\n",
  body = BODY,
}: Parts = {}): string {
  return `${start}\r\n${host}${key}X-nonce: 0\r\nContent-Type: application/json\r\n${close}${lines}\r\n${body}`;
}

const userOf = ({ body }: RecordedRequest) => new URLSearchParams(body).get("userid");

/** Another caller's proper call behind it: whatever came before has reached the provider by then, if it ever does. */
async function tokensAskedFor(): Promise<number> {
  const answer = await proxy.call({ body: { ...CALL, userid: "another" } });
  expect(answer.status).toBe(200);
  return proxy.provider.requests.filter((request) => userOf(request) !== "another").length;
}

it("a proper call is taken, so that what follows is refused for what is wrong with it", async () => {
  expect((await exchange(proxy.host.url, call())).status).toBe(200);
  expect((await exchange(proxy.host.url, call({ lines: CHUNKED, body: CHUNKS }))).status).toBe(200);
  expect(await tokensAskedFor()).toBe(2);
});

const chunked = (body: string): Parts => ({ lines: CHUNKED, body });
const lengths = (value: string): Parts => ({ lines: `Content-Length: ${value}\r\n` });

describe("no token is asked for, and the answer is 4xx, for", () => {
  it.each<[string, Parts]>([
    ["Content-Length and then Transfer-Encoding", { lines: LENGTH + CHUNKED, body: CHUNKS }],
    ["Transfer-Encoding and then Content-Length", { lines: CHUNKED + LENGTH, body: CHUNKS }],
    ["two Content-Lengths that agree", { lines: LENGTH + LENGTH }],
    ["two Content-Lengths that differ", { lines: `${LENGTH}Content-Length: 3\r\n` }],
    ["a list of lengths", lengths(`${BODY.length}, ${BODY.length}`)],
    ["a length with a sign", lengths(`+${BODY.length}`)],
    ["a negative length", lengths("-1")],
    ["a hexadecimal length", lengths(`0x${SIZE}`)],
    ["an empty length", lengths("")],
    ["a length of two numbers", lengths("5 8")],
    ["a length beyond every integer", lengths("99999999999999999999999")],
    ["a length of 10 TB", lengths("9999999999999")],
    ["Transfer-Encoding: identity", { lines: "Transfer-Encoding: identity\r\n" }],
    ["Transfer-Encoding: identity and a length", { lines: `Transfer-Encoding: identity\r\n${LENGTH}` }],
    ["an unknown coding", { lines: "Transfer-Encoding: xchunked\r\n", body: CHUNKS }],
    ["chunked that is not the last coding", { lines: "Transfer-Encoding: chunked, identity\r\n", body: CHUNKS }],
    ["a coding beneath chunked", { lines: "Transfer-Encoding: gzip, chunked\r\n", body: CHUNKS }],
    ["chunked twice", { lines: CHUNKED + CHUNKED, body: CHUNKS }],
    ["chunked behind a vertical tab", { lines: "Transfer-Encoding: \x0bchunked\r\n", body: CHUNKS }],
    ["chunked with a space before the colon", { lines: "Transfer-Encoding : chunked\r\n", body: CHUNKS }],
    ["chunked on a line of its own", { lines: "Transfer-Encoding:\r\n chunked\r\n", body: CHUNKS }],
    ["chunks in HTTP/1.0", { start: "POST /getToken HTTP/1.0", lines: CHUNKED, body: CHUNKS }],
    ["a chunk size that is no number", chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk size with 0x", chunked(`0x${SIZE}\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a negative chunk size", chunked(`-1\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk size of 17 digits", chunked(`100000000000000${SIZE}\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk size with a space", chunked(`${SIZE} \r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk that is shorter than its data", chunked(`3\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk without its line break", chunked(`${SIZE}\r\n${BODY}0\r\n\r\n`)],
    ["chunks with bare line feeds", chunked(`${SIZE}\n${BODY}\n0\n\n`)],
    ["a chunk extension with a bare line feed", chunked(`${SIZE};a\n${BODY}\r\n0\r\n\r\n`)],
    ["chunk extensions of 20 kB", chunked(`${SIZE};a=${"x".repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a folded header", { lines: `X-f: a\r\n b\r\n${LENGTH}` }],
    ["a folded key", { key: `X-apikey:\r\n ${APIKEY}\r\n` }],
    ["a fold before the first header", { host: " X-f: a\r\nHost: x\r\n" }],
    ["a bare line feed behind a header", { lines: `X-f: a\n${LENGTH}` }],
    ["a bare carriage return in a header", { lines: `X-f: a\rX-g: b\r\n${LENGTH}` }],
    ["a space before a colon", { lines: `X-f : a\r\n${LENGTH}` }],
    ["a space before the colon of the length", { lines: `Content-Length : ${BODY.length}\r\n` }],
    ["a line without a colon", { lines: `X-f\r\n${LENGTH}` }],
    ["a header without a name", { lines: `: a\r\n${LENGTH}` }],
    ["a NUL in a value", { lines: `X-f: a\0b\r\n${LENGTH}` }],
    ["a NUL in a name", { lines: `X-f\0: a\r\n${LENGTH}` }],
    ["a NUL in the target", { start: "POST /getToken\0 HTTP/1.1" }],
    ["a NUL behind the key", { key: `X-apikey: ${APIKEY}\0\r\n` }],
    ["a control character in a value", { lines: `X-f: a\x01b\r\n${LENGTH}` }],
    ["no Host", { host: "" }],
    ["no Host, in HTTP/1.0", { start: "POST /getToken HTTP/1.0", host: "" }],
    ["two Hosts", { host: "Host: x\r\nHost: y\r\n" }],
    ["two Hosts that agree", { host: "Host: x\r\nhost: x\r\n" }],
    ["a body without a length, in HTTP/1.0", { start: "POST /getToken HTTP/1.0", lines: "" }],
    ["no version of HTTP", { start: "POST /getToken" }],
    ["HTTP/0.9", { start: "POST /getToken HTTP/0.9" }],
    ["HTTP/1.9", { start: "POST /getToken HTTP/1.9" }],
    ["HTTP/2.0 in the words of HTTP/1.1", { start: "POST /getToken HTTP/2.0" }],
    ["http in small letters", { start: "POST /getToken http/1.1" }],
    ["a space behind the version", { start: "POST /getToken HTTP/1.1 " }],
    ["tabs between the parts of the request line", { start: "POST\t/getToken\tHTTP/1.1" }],
    ["a space before the method", { start: " POST /getToken HTTP/1.1" }],
    ["a method in small letters", { start: "post /getToken HTTP/1.1" }],
    ["a method that nobody knows", { start: "MINT /getToken HTTP/1.1" }],
    ["a target in absolute form", { start: "POST http://x/getToken HTTP/1.1" }],
    ["a target in absolute form, of another host", { start: "POST http://other.example/getToken HTTP/1.1" }],
    ["a target that is a file", { start: "POST file:///getToken HTTP/1.1" }],
    ["a target in authority form", { start: "POST x:80 HTTP/1.1" }],
    ["a target without a slash", { start: "POST getToken HTTP/1.1" }],
    ["the target *", { start: "POST * HTTP/1.1" }],
    ["OPTIONS *", { start: "OPTIONS * HTTP/1.1", lines: "", body: "" }],
    ["TRACE", { start: "TRACE /getToken HTTP/1.1" }],
    [
      "a WebSocket",
      {
        start: "GET /getToken HTTP/1.1",
        close: "Connection: Upgrade\r\n",
        lines: "Upgrade: websocket\r\nConnection: close\r\n",
        body: "",
      },
    ],
    ["an expectation that nobody knows", { lines: `Expect: a-token\r\n${LENGTH}` }],
    ["a target of 20 kB", { start: `POST /getToken?${"a".repeat(20_000)} HTTP/1.1` }],
    ["a header of 20 kB", { lines: `X-f: ${"a".repeat(20_000)}\r\n${LENGTH}` }],
    ["3000 headers", { lines: `${"X-f: a\r\n".repeat(3_000)}${LENGTH}` }],
    ["2100 headers before the key", { host: `Host: x\r\n${"a:\r\n".repeat(2_100)}` }],
    ["a key in the trailer", { key: "", ...chunked(`${SIZE}\r\n${BODY}\r\n0\r\nX-apikey: ${APIKEY}\r\n\r\n`) }],
  ])("%s", async (_what, parts) => {
    const { status, head, body } = await exchange(proxy.host.url, call(parts));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(head + body).not.toContain(APIKEY); // TRACE, above all, repeats nothing
    expect(await tokensAskedFor()).toBe(0);
  });

  it("bare line feeds all through", async () => {
    const { status } = await exchange(proxy.host.url, call().replaceAll("\r\n", "\n"));
    expect(status).toBe(400);
    expect(await tokensAskedFor()).toBe(0);
  });

  it.each(["x:443", "/getToken"])("CONNECT %s, which is not answered at all", async (target) => {
    const { head, body } = await exchange(proxy.host.url, call({ start: `CONNECT ${target} HTTP/1.1` }));
    expect(head + body).toBe("");
    expect(await tokensAskedFor()).toBe(0);
  });

  it("the start of a TLS connection or of HTTP/2", async () => {
    for (const bytes of ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]) {
      expect((await exchange(proxy.host.url, bytes)).status).toBe(400);
    }
    expect(await tokensAskedFor()).toBe(0);
  });
});

describe("a call is taken, once, with", () => {
  it.each<[string, Parts]>([
    ["HTTP/1.0", { start: "POST /getToken HTTP/1.0" }],
    ["a chunk extension", { lines: CHUNKED, body: `${SIZE};a=b\r\n${BODY}\r\n0\r\n\r\n` }],
    ["a trailer, which counts for nothing", { lines: CHUNKED, body: `${SIZE}\r\n${BODY}\r\n0\r\nX-nonce: 1\r\n\r\n` }],
    ["an offer of HTTP/2, which is passed over", { lines: `Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n${LENGTH}` }],
    ["a query of 10 kB", { start: `POST /getToken?${"a".repeat(10_000)} HTTP/1.1` }],
  ])("%s", async (_what, parts) => {
    const { status, body } = await exchange(proxy.host.url, call(parts));
    expect([status, body]).toEqual([200, expect.stringContaining("the-token")]);
    expect(await tokensAskedFor()).toBe(1);
    expect(proxy.provider.requests[0]?.body).toContain("nonce=0");
  });

  it("Expect: 100-continue, told to go on first", async () => {
    const { status, body } = await exchange(proxy.host.url, call({ lines: `Expect: 100-continue\r\n${LENGTH}` }));
    expect(status).toBe(100);
    expect(body).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await tokensAskedFor()).toBe(1);
  });
});

describe("requests one behind the other, without waiting", () => {
  beforeEach(() => {
    // The later the request, the sooner its answer.
    let delay = 300;
    proxy.provider.answer = (socket, request) => {
      delay -= 10;
      setTimeout(() => json({ access_token: `for ${userOf(request)}` })(socket, request), Math.max(0, delay));
    };
  });

  const named = (userid: string, close = "") => {
    const body = JSON.stringify({ ...CALL, userid });
    return call({ close, lines: `Content-Length: ${body.length}\r\n`, body });
  };

  it("are answered in their order, each with its own user's token", async () => {
    const users = Array.from({ length: 25 }, (_, i) => `user-${i}`);
    const bytes = users.map((user, i) => named(user, i === 24 ? "Connection: close\r\n" : "")).join("");
    const { head, body } = await exchange(proxy.host.url, bytes);
    expect([...(head + body).matchAll(/"for (.+?)"/g)].map((match) => match[1])).toEqual(users);
  });

  it("are each judged separately: a key counts only for its own request", async () => {
    const noKey = call({ close: "", key: "" });
    const bytes = named("first") + noKey + named("second") + noKey + named("third", "Connection: close\r\n");
    const { head, body } = await exchange(proxy.host.url, bytes);
    const statuses = [...(head + body).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toEqual(["200", "401", "200", "401", "200"]);
    expect([...body.matchAll(/"for (.+?)"/g)].map((match) => match[1])).toEqual(["first", "second", "third"]);
  });

  it("that end in garbage are cut off there, and no token goes to another caller", async () => {
    const { head, body } = await exchange(proxy.host.url, `${named("first")}GARBAGE`);
    expect((head + body).match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    const { text } = await callGetToken(proxy.host.url, { body: { ...CALL, userid: "another" } });
    expect(text).toBe('{"access_token":"for another"}');
  });

  it("are ignored behind one that could be read two ways", async () => {
    const ambiguous = call({ host: "Host: x\r\nHost: y\r\n", close: "" });
    const bytes = named("first") + ambiguous + named("second") + named("third", "Connection: close\r\n");
    const { head, body } = await exchange(proxy.host.url, bytes);
    const statuses = [...(head + body).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toEqual(["200", "400"]);
    proxy.provider.answer = json({ access_token: "t" });
    expect(await tokensAskedFor()).toBe(1);
    expect(userOf(proxy.provider.requests[0] as RecordedRequest)).toBe("first");
  });

  it("are not smuggled in the body of another: what a length covers is never a request", async () => {
    const inner = named("smuggled");
    const { head, body } = await exchange(
      proxy.host.url,
      call({ lines: `Content-Length: ${inner.length}\r\n`, body: inner }),
    );
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(body).toContain("call_invalid");
    proxy.provider.answer = json({ access_token: "t" });
    expect(await tokensAskedFor()).toBe(0);
  });
});

it("a connection that breaks off in the midst of its body asks for no token", async () => {
  const socket = connect(Number(new URL(proxy.host.url).port), "127.0.0.1");
  await new Promise((done) => socket.once("connect", done));
  socket.write(call().slice(0, -1));
  await noticed(proxy.host);
  socket.resetAndDestroy();
  expect(await tokensAskedFor()).toBe(0);
});
