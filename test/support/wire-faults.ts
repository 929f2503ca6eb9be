// What providers and networks do to an answer, and what the caller must get for it.

import { brotliCompressSync, gzipSync } from "node:zlib";
import { MARKER, type TableCode } from "./expect-error.ts";
import { chunked, chunks, head, raw, thenClose, thenReset, thenSurplus, trickle } from "./raw-answers.ts";
import { type Answer, json, respond } from "./recording-provider.ts";

/** The row of the table, or the status and body that are relayed. */
type Expected = TableCode | { status: number; body: string };

export interface WireFault {
  name: string;
  answer: Answer;
  /** By runtime: workerd mostly says only that there was no answer. */
  expected: Record<"node" | "workerd", Expected>;
  /** On Node, on a connection that has carried an answer before, where it matters. */
  reused: Expected;
  /** Whether the connection stays open for the next call. */
  keeps: boolean;
}

const JSON_TYPE = { "Content-Type": "application/json" };
const BODY = `{"access_token":"${MARKER}"}`;
const GRANT = `{"error":"invalid_grant","error_description":"${MARKER}"}`;
const LIMIT = 65_536;
const tooLong = Buffer.from(BODY.padEnd(LIMIT + 1));
const longer = head({ ...JSON_TYPE, "Content-Length": String(BODY.length + 1) });
const inChunks = head({ ...JSON_TYPE, "Transfer-Encoding": "chunked" });
const [chunk] = chunks(Buffer.from(BODY), BODY.length) as [Buffer];
const right = head({ ...JSON_TYPE, "Content-Length": String(BODY.length) });
const coded = (coding: string, body: Buffer) =>
  respond({ headers: { ...JSON_TYPE, "Content-Encoding": coding }, body });
const html = (status: number, headers = {}) =>
  respond({ status, headers: { "Content-Type": "text/html", ...headers }, body: `<html>${MARKER}</html>` });

/** Writes without end, as fast as it is read. */
export function flood(start: string, part: Buffer): Answer {
  return (socket) => {
    socket.write(start);
    const pump = () => {
      while (!socket.destroyed && socket.write(part));
    };
    socket.on("drain", pump);
    pump();
  };
}

type Row = [name: string, answer: Answer, expected: Expected, workerd?: Expected, reused?: Expected];

/** Complete answers: the connection can be used again. */
const COMPLETE: Row[] = [
  ["200 with an error", json(GRANT), { status: 403, body: GRANT }],
  ["303 with a body", respond({ status: 303, headers: { Location: "/x" }, body: BODY }), "provider_redirected"],
  ["400 invalid_grant", json(GRANT, 400), { status: 400, body: GRANT }],
  ["429 in HTML", html(429), "provider_busy"],
  ["an interim response first", raw(head({}, 103), right, BODY), { status: 200, body: BODY }],
  ["gzip", coded("gzip", gzipSync(BODY)), { status: 200, body: BODY }],
  ["br", coded("br", brotliCompressSync(BODY)), { status: 200, body: BODY }],
  ["chunks", chunked(Buffer.from(BODY), 3), { status: 200, body: BODY }],
];

/** Complete answers that may belong to another request, so that the next one may be wrong too. */
const OUT_OF_PLACE: Row[] = [
  ["200 without a token", json(`{"token_type":"${MARKER}"}`), "provider_no_token"],
  ["200 with nothing", respond({}), "provider_not_json"],
  ["204", raw("HTTP/1.1 204 No\r\n\r\n"), "provider_not_json"],
  ["truncated gzip", coded("gzip", gzipSync(BODY).subarray(0, -9)), "provider_truncated"],
  ["a body that is not gzip but declared so", coded("gzip", Buffer.from(BODY)), "provider_error", "provider_truncated"],
  ["an unknown coding", coded("vendor", Buffer.from(BODY)), "provider_error", { status: 200, body: BODY }],
  ["a bomb in gzip", coded("gzip", gzipSync(Buffer.alloc(5_000_000))), "provider_too_large"],
];

/** Answers that break, never end, or never come. */
const BROKEN: Row[] = [
  ["a reset before any answer", (socket) => socket.resetAndDestroy(), "provider_unreachable"],
  ["the connection's end before any answer", thenClose(() => {}), "provider_unreachable"],
  ["a truncated status line", thenClose(raw("HTTP/1.1 20")), "provider_unreachable"],
  ["a reset between headers and body", thenReset(raw(longer)), "provider_truncated"],
  ["a reset in the body", thenReset(raw(longer, BODY)), "provider_truncated"],
  ["a reset between chunks", thenReset(raw(inChunks, chunk)), "provider_truncated"],
  ["a length beyond the body", thenClose(raw(longer, BODY)), "provider_truncated"],
  ["chunks without the last one", thenClose(raw(inChunks, chunk)), "provider_truncated"],
  ["a chunk whose length is not a number", raw(inChunks, `zz\r\n${BODY}\r\n`), "provider_error", "provider_truncated"],
  [
    "a length that is not a number",
    raw(head({ "Content-Length": MARKER }), BODY),
    "provider_error",
    "provider_unreachable",
  ],
  ["something that is not HTTP", raw(`220 mail.example ESMTP ${MARKER}\r\n`), "provider_error", "provider_unreachable"],
  ["a header without a name", raw(`HTTP/1.1 200 OK\r\n: ${MARKER}\r\n\r\n`), "provider_error", "provider_unreachable"],
  [
    "chunks that never end beside a short length",
    flood(head({ "Content-Length": "9", "Transfer-Encoding": "chunked" }), chunks(tooLong, 9_000)[0] as Buffer),
    "provider_error",
    "provider_too_large",
  ],
  [
    "headers that never end, fast",
    flood("HTTP/1.1 200 OK\r\n", Buffer.from(`X: ${MARKER}\r\n`.repeat(99))),
    "provider_error",
    "provider_unreachable",
  ],
  ["headers that never end, slowly", trickle("HTTP/1.1 200 OK\r\n", "X: 1\r\n", 20), "provider_timeout"],
  ["headers that stop", raw(longer.slice(0, -2)), "provider_timeout"],
  ["only interim responses", trickle("", head({}, 103), 20), "provider_timeout"],
  // undici treats this as a broken answer, unlike other interim ones (RFC 9110 section 15.2).
  ["an unexpected 100 Continue", raw(head({}, 100), right, BODY), "provider_unreachable", { status: 200, body: BODY }],
  ["an upgrade", raw(head({ Connection: "upgrade", Upgrade: "x" }, 101)), "provider_unreachable", "provider_not_json"],
  ["nothing", () => {}, "provider_timeout"],
  ["a body that does not come", raw(longer), "provider_timeout"],
  ["a body that trickles", trickle(head({ "Content-Length": "9999" }), "a", 20), "provider_timeout"],
  ["a body without an end that trickles", trickle(head(JSON_TYPE), "a", 20), "provider_timeout"],
  ["chunks whose end does not come", raw(inChunks, chunk), "provider_timeout"],
  ["a length beyond the limit", raw(head({ "Content-Length": String(LIMIT + 1) })), "provider_too_large"],
  ["a body beyond the limit", respond({ headers: JSON_TYPE, body: tooLong }), "provider_too_large"],
  ["chunks beyond the limit", chunked(tooLong, 5_000), "provider_too_large"],
  ["a body that never ends", flood(head(JSON_TYPE), Buffer.alloc(LIMIT, 0x61)), "provider_too_large"],
  ["chunks that never end", flood(inChunks, chunks(tooLong, 9_000)[0] as Buffer), "provider_too_large"],
  ["a redirect whose body never ends", flood(head(JSON_TYPE, 307), Buffer.alloc(LIMIT)), "provider_redirected"],
  ["a 500 whose body never ends", flood(head(JSON_TYPE, 500), Buffer.alloc(LIMIT)), "provider_error"],
  [
    "surplus at once",
    raw(right, BODY, right, BODY),
    { status: 200, body: BODY },
    { status: 200, body: BODY },
    "provider_error", // the first of the two may be the answer to the request before
  ],
  ["surplus later", thenSurplus(raw(right, BODY), raw("x"), 10), { status: 200, body: BODY }],
  ["an answer and the connection's end", thenClose(raw(right, BODY)), { status: 200, body: BODY }],
];

const faultOf = ([name, answer, expected, workerd = expected, reused = expected]: Row, keeps: boolean): WireFault => ({
  name,
  answer,
  expected: { node: expected, workerd },
  reused,
  keeps,
});

export const WIRE_FAULTS: WireFault[] = [
  ...COMPLETE.map((row) => faultOf(row, true)),
  ...OUT_OF_PLACE.map((row) => faultOf(row, false)),
  ...BROKEN.map((row) => faultOf(row, false)),
];
