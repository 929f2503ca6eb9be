// Requests that two readers could read differently are refused before a token is requested; rare
// but well-formed ones get their token.

import { connect } from "node:net";
import { beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL } from "../support/call.ts";
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

/** A valid call with changes, after which the proxy closes the connection. */
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

/** After another call, so that every earlier one has had time to reach the provider. */
async function tokensRequested(): Promise<number> {
  const answer = await proxy.call({ body: { ...CALL, userid: "another" } });
  expect(answer.status).toBe(200);
  return proxy.provider.requests.filter((request) => userOf(request) !== "another").length;
}

it("a valid call, with a length or in chunks, gets its token", async () => {
  expect((await exchange(proxy.host.url, call())).status).toBe(200);
  expect((await exchange(proxy.host.url, call({ lines: CHUNKED, body: CHUNKS }))).status).toBe(200);
  expect(await tokensRequested()).toBe(2);
});

const chunked = (body: string): Parts => ({ lines: CHUNKED, body });
const lengths = (value: string): Parts => ({ lines: `Content-Length: ${value}\r\n` });

describe("no token is requested, and the response is 4xx, for", () => {
  it.each<[string, Parts]>([
    ["Content-Length and then Transfer-Encoding", { lines: LENGTH + CHUNKED, body: CHUNKS }],
    ["Transfer-Encoding and then Content-Length", { lines: CHUNKED + LENGTH, body: CHUNKS }],
    ["two Content-Lengths that agree", { lines: LENGTH + LENGTH }],
    ["a list of lengths", lengths(`${BODY.length}, ${BODY.length}`)],
    ["a hexadecimal length", lengths(`0x${SIZE}`)],
    ["a length beyond every integer", lengths("99999999999999999999999")],
    ["Transfer-Encoding: identity", { lines: "Transfer-Encoding: identity\r\n" }],
    ["an unknown coding", { lines: "Transfer-Encoding: xchunked\r\n", body: CHUNKS }],
    ["chunked that is not the last coding", { lines: "Transfer-Encoding: chunked, identity\r\n", body: CHUNKS }],
    ["a coding beneath chunked", { lines: "Transfer-Encoding: gzip, chunked\r\n", body: CHUNKS }],
    ["chunked twice", { lines: CHUNKED + CHUNKED, body: CHUNKS }],
    ["chunked behind a vertical tab", { lines: "Transfer-Encoding: \x0bchunked\r\n", body: CHUNKS }],
    ["chunked with a space before the colon", { lines: "Transfer-Encoding : chunked\r\n", body: CHUNKS }],
    ["chunks in HTTP/1.0", { start: "POST /getToken HTTP/1.0", lines: CHUNKED, body: CHUNKS }],
    ["a chunk size that is no number", chunked(`zz\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk size of 17 digits", chunked(`100000000000000${SIZE}\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a chunk that is shorter than its data", chunked(`3\r\n${BODY}\r\n0\r\n\r\n`)],
    ["chunks with bare line feeds", chunked(`${SIZE}\n${BODY}\n0\n\n`)],
    ["chunk extensions of 20 kB", chunked(`${SIZE};a=${"x".repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`)],
    ["a folded key", { key: `X-apikey:\r\n ${APIKEY}\r\n` }],
    ["a fold before the first header", { host: " X-f: a\r\nHost: x\r\n" }],
    ["a bare line feed behind a header", { lines: `X-f: a\n${LENGTH}` }],
    ["a bare carriage return in a header", { lines: `X-f: a\rX-g: b\r\n${LENGTH}` }],
    ["a NUL in a value", { lines: `X-f: a\0b\r\n${LENGTH}` }],
    ["a NUL behind the key", { key: `X-apikey: ${APIKEY}\0\r\n` }],
    ["no Host", { host: "" }],
    ["no Host, in HTTP/1.0", { start: "POST /getToken HTTP/1.0", host: "" }],
    ["two Hosts", { host: "Host: x\r\nHost: y\r\n" }],
    ["two Hosts that agree", { host: "Host: x\r\nhost: x\r\n" }],
    ["a body without a length, in HTTP/1.0", { start: "POST /getToken HTTP/1.0", lines: "" }],
    ["no version of HTTP", { start: "POST /getToken" }],
    ["HTTP/0.9", { start: "POST /getToken HTTP/0.9" }],
    ["HTTP/1.9", { start: "POST /getToken HTTP/1.9" }],
    ["HTTP/2.0 in the words of HTTP/1.1", { start: "POST /getToken HTTP/2.0" }],
    ["a method in small letters", { start: "post /getToken HTTP/1.1" }],
    ["an unknown method", { start: "MINT /getToken HTTP/1.1" }],
    ["a target in absolute form, of another host", { start: "POST http://other.example/getToken HTTP/1.1" }],
    ["a target in authority form", { start: "POST x:80 HTTP/1.1" }],
    ["a target without a slash", { start: "POST getToken HTTP/1.1" }],
    ["the target *", { start: "POST * HTTP/1.1" }],
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
    ["an unknown expectation", { lines: `Expect: a-token\r\n${LENGTH}` }],
    ["a target of 20 kB", { start: `POST /getToken?${"a".repeat(20_000)} HTTP/1.1` }],
    ["3000 headers", { lines: `${"X-f: a\r\n".repeat(3_000)}${LENGTH}` }],
    ["2100 headers before the key", { host: `Host: x\r\n${"a:\r\n".repeat(2_100)}` }],
    ["a key in the trailer", { key: "", ...chunked(`${SIZE}\r\n${BODY}\r\n0\r\nX-apikey: ${APIKEY}\r\n\r\n`) }],
  ])("%s", async (_what, parts) => {
    const { status, head, body } = await exchange(proxy.host.url, call(parts));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(head + body).not.toContain(APIKEY); // as TRACE would
    expect(await tokensRequested()).toBe(0);
  });

  it.each([
    ["only bare line feeds", call().replaceAll("\r\n", "\n")],
    ["the start of a TLS connection", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ["the start of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ])("%s", async (_, bytes) => {
    expect((await exchange(proxy.host.url, bytes)).status).toBe(400);
    expect(await tokensRequested()).toBe(0);
  });

  it("CONNECT, which gets no response at all", async () => {
    const { head, body } = await exchange(proxy.host.url, call({ start: "CONNECT x:443 HTTP/1.1" }));
    expect(head + body).toBe("");
    expect(await tokensRequested()).toBe(0);
  });
});

describe("one token is requested for", () => {
  it.each<[string, Parts]>([
    ["HTTP/1.0", { start: "POST /getToken HTTP/1.0" }],
    ["a chunk extension", { lines: CHUNKED, body: `${SIZE};a=b\r\n${BODY}\r\n0\r\n\r\n` }],
    ["a trailer, which is ignored", { lines: CHUNKED, body: `${SIZE}\r\n${BODY}\r\n0\r\nX-nonce: 1\r\n\r\n` }],
    ["an offer of HTTP/2, which is ignored", { lines: `Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n${LENGTH}` }],
    ["a query of 10 kB", { start: `POST /getToken?${"a".repeat(10_000)} HTTP/1.1` }],
  ])("%s", async (_what, parts) => {
    const { status, body } = await exchange(proxy.host.url, call(parts));
    expect([status, body]).toEqual([200, expect.stringContaining("the-token")]);
    expect(await tokensRequested()).toBe(1);
    expect(proxy.provider.requests[0]?.body).toContain("nonce=0");
  });

  it("Expect: 100-continue, after a 100", async () => {
    const { status, body } = await exchange(proxy.host.url, call({ lines: `Expect: 100-continue\r\n${LENGTH}` }));
    expect(status).toBe(100);
    expect(body).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(await tokensRequested()).toBe(1);
  });
});

describe("pipelined requests", () => {
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

  it("are ignored after an ambiguous one", async () => {
    const ambiguous = call({ host: "Host: x\r\nHost: y\r\n", close: "" });
    const bytes = named("first") + ambiguous + named("second") + named("third", "Connection: close\r\n");
    const { head, body } = await exchange(proxy.host.url, bytes);
    const statuses = [...(head + body).matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toEqual(["200", "400"]);
    proxy.provider.answer = json({ access_token: "t" });
    expect(await tokensRequested()).toBe(1);
    expect(userOf(proxy.provider.requests[0] as RecordedRequest)).toBe("first");
  });

  it("are not smuggled in the body of another", async () => {
    const inner = named("smuggled");
    const { head, body } = await exchange(
      proxy.host.url,
      call({ lines: `Content-Length: ${inner.length}\r\n`, body: inner }),
    );
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(body).toContain("call_invalid");
    proxy.provider.answer = json({ access_token: "t" });
    expect(await tokensRequested()).toBe(0);
  });
});

it("a connection that breaks in its body requests no token", async () => {
  const socket = connect(Number(new URL(proxy.host.url).port), "127.0.0.1");
  await new Promise((done) => socket.once("connect", done));
  socket.write(call().slice(0, -1));
  await noticed(proxy.host);
  socket.resetAndDestroy();
  expect(await tokensRequested()).toBe(0);
});
