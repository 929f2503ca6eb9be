// What holds on HTTP/1.1 holds on HTTP/2: few connections, deadlines, limits, what the server saw
// of a failed request.

import type { ServerHttp2Stream } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../../src/core/secret.ts";
import type { TransportError, TransportResponse, TransportSettings } from "../../../src/core/transport.ts";
import { createNodeTransport } from "../../../src/node/outbound/transport.ts";
import { answerWith, type Http2Peer, startHttp2Peer } from "../../support/http2-peer.ts";
import { type Authority, makeAuthority, type TestCertificate } from "../../support/keys.ts";
import { listenLocally } from "../../support/port.ts";
import { startRawProvider } from "../../support/raw-provider.ts";

const FAR_MS = 60_000;

let authority: Authority;
let certificate: TestCertificate;
let peer: Http2Peer | undefined;
beforeAll(async () => {
  authority = await makeAuthority();
  certificate = await authority.issue("127.0.0.1", { ips: ["127.0.0.1"] });
});
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

const tlsOptions = () => ({ cert: certificate.certificate, key: certificate.private_key });

async function start(onStream: Http2Peer["onStream"], options: object = {}): Promise<Http2Peer> {
  peer = await startHttp2Peer(onStream, { ...tlsOptions(), allowHTTP1: true, ...options });
  return peer;
}

function connect(settings: Partial<TransportSettings> = {}) {
  const tls = { ca: new Secret(authority.certificate) };
  const transport = createNodeTransport({ connect_timeout: 5_000, connections: 256, tls, ...settings });
  return (origin: string, { body = "a=b", timeout = FAR_MS, maxResponseBytes = 65_536 } = {}) =>
    transport({
      method: "POST",
      url: `${origin}/token`,
      headers: { "content-type": "text/plain" },
      body,
      timeout,
      maxResponseBytes,
    });
}

const textOf = ({ body }: TransportResponse) => Buffer.from(body).toString();

async function failureOf(sent: Promise<unknown>): Promise<string> {
  const error = await sent.then(
    () => undefined,
    (reason: TransportError) => reason,
  );
  return `${error?.failure} ${error?.delivery}`;
}

/**
 * undici looks for surplus bytes for a turn of the event loop before it uses a connection again.
 */
const idle = () => new Promise((done) => setTimeout(done, 20));

/** Answers once so many requests are there: they must have been under way at the same time. */
function together(count: number) {
  const streams: ServerHttp2Stream[] = [];
  return (stream: ServerHttp2Stream, { body }: { body: string }) => {
    streams.push(stream);
    Object.assign(stream, { said: body });
    if (streams.length < count) return;
    for (const one of streams.splice(0)) answerWith((one as unknown as { said: string }).said)(one);
  };
}

describe("many POSTs at once", () => {
  it("share a few connections from the first one on, each on a stream of its own", async () => {
    const { origin, sessions } = await start(together(256));
    const send = connect();
    for (let round = 0; round < 2; round++) {
      const bodies = Array.from({ length: 256 }, (_, i) => `n=${round}.${i}`);
      const answers = await Promise.all(bodies.map((body) => send(origin, { body })));
      expect(answers.map(textOf)).toEqual(bodies);
    }
    console.log(
      `streams per connection: ${sessions.map(({ streams, most }) => `${streams} (${most} at once)`).join(", ")}`,
    );
    // 256 at once, and a connection has at most 100 streams.
    expect(sessions.length).toBeGreaterThanOrEqual(3);
    expect(sessions.length).toBeLessThanOrEqual(5);
    expect(Math.max(...sessions.map(({ most }) => most))).toBe(100);
  });

  it("respect the server's limit of streams", async () => {
    const { origin, sessions } = await start(answerWith("{}"), { settings: { maxConcurrentStreams: 5 } });
    const send = connect({ connections: 4 });
    await Promise.all(Array.from({ length: 60 }, () => send(origin)));
    expect(sessions.length).toBeLessThanOrEqual(4);
    expect(Math.max(...sessions.map(({ most }) => most))).toBeLessThanOrEqual(5);
  });

  it("open as many connections as needed where the server has only HTTP/1.1", async () => {
    const waiting: (() => void)[] = [];
    let connections = 0;
    const server = createHttpsServer(tlsOptions(), (request, response) => {
      request.resume();
      waiting.push(() => response.end("{}"));
      if (waiting.length === 30) for (const answer of waiting.splice(0)) answer();
    });
    server.on("connection", () => (connections += 1));
    const send = connect();
    const origin = `https://127.0.0.1:${await listenLocally(server)}`;
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 30 }, () => send(origin)));
      await idle();
    }
    expect(connections).toBe(30);
    server.closeAllConnections();
    server.close();
  });

  it("fail together if the server does not answer, after one connection", async () => {
    const hole = await startRawProvider(() => {});
    let connections = 0;
    hole.onConnection = () => {
      connections += 1;
    };
    const send = connect({ connect_timeout: 100 });
    const origin = `https://127.0.0.1:${hole.port}`;
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(send(origin))));
    // "late" if this process was paused meanwhile, as on a busy machine.
    for (const failure of failures) expect(failure).toMatch(/^(?:connect_timeout none|late .*)$/);
    expect(connections).toBe(1);
    await hole.close();
  });
});

describe("settings", () => {
  it.each<[string, Partial<TransportSettings>, string, number]>([
    ["nothing", {}, "2.0", 1],
    ["http2: never", { http2: "never" }, "1.1", 1],
    ["reuse_connections: false", { reuse_connections: false }, "1.1", 3],
    ["both", { http2: "auto", reuse_connections: false }, "1.1", 3],
  ])("%s: the version, and the connections of three requests", async (_name, settings, version, count) => {
    const seen: string[] = [];
    const closing: unknown[] = [];
    const server = await start((stream) => {
      seen.push("2.0");
      answerWith("{}")(stream);
    });
    server.onRequest((request, response) => {
      seen.push(request.httpVersion);
      closing.push(request.headers.connection);
      request.resume().on("end", () => response.end("{}"));
    });
    const send = connect(settings);
    for (let i = 0; i < 3; i++) {
      await send(server.origin);
      await idle();
    }
    expect(seen).toEqual([version, version, version]);
    expect(server.connections).toBe(count);
    if (count === 3) expect(closing).toEqual(["close", "close", "close"]);
  });

  it("a client certificate, and only the file's authorities", async () => {
    const { origin } = await start(
      (stream) => {
        answerWith(String((stream.session?.socket as TLSSocket | undefined)?.authorized))(stream);
      },
      { requestCert: true, rejectUnauthorized: true, ca: authority.certificate },
    );
    const client = await authority.issue("client");
    const tls = {
      ca: new Secret(authority.certificate),
      certificate: new Secret(client.certificate),
      private_key: new Secret(client.private_key),
    };
    expect(textOf(await connect({ tls })(origin))).toBe("true");
    expect(await failureOf(connect()(origin))).toMatch(/^unreachable/);
    expect(
      await failureOf(connect({ tls: { ...tls, ca: new Secret((await makeAuthority()).certificate) } })(origin)),
    ).toBe("unreachable none");
  });
});

describe("an answer", () => {
  const BODY = Buffer.from('\ufeff{ "access_token":"\\u0041", "n":9007199254740993, "n":1 }\r\n');

  it("keeps every byte, in many frames, without its trailers", async () => {
    const { origin } = await start((stream) => {
      stream.additionalHeaders({ ":status": 103, link: "</x>" });
      stream.respond({ ":status": 201, "content-type": "application/json", "x-a": "1" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-a": "2", "content-type": "text/html" }));
      for (const byte of BODY) stream.write(Buffer.from([byte]));
      stream.end();
    });
    const answer = await connect()(origin);
    expect(answer.status).toBe(201);
    expect(Buffer.from(answer.body).equals(BODY)).toBe(true);
    expect([answer.headers.get("content-type"), answer.headers.get("x-a")]).toEqual(["application/json", "1"]);
    expect(answer.headers.get(":status")).toBe(null);
  });

  it("is decoded", async () => {
    const { origin } = await start(answerWith(gzipSync(BODY), { "content-encoding": "gzip" }));
    expect(Buffer.from((await connect()(origin)).body).equals(BODY)).toBe(true);
  });

  it("may come before the end of the request, which is then given up", async () => {
    const { origin } = await start(answerWith("{}"), { answersAtOnce: true });
    expect(textOf(await connect()(origin, { body: "x".repeat(200_000) }))).toBe("{}");
  });
});

describe("an answer that is not whole", () => {
  const partly = (then: (stream: ServerHttp2Stream) => void) => (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "content-length": 10 });
    stream.write("12345", () => setTimeout(then, 20, stream));
  };
  const CANCEL = 8;
  const INTERNAL_ERROR = 2;
  const faults: [string, Http2Peer["onStream"], string][] = [
    ["a stream that is reset", (stream) => stream.close(INTERNAL_ERROR), "unreachable some"],
    ["a stream that is cancelled", (stream) => stream.close(CANCEL), "unreachable some"],
    ["a stream that is reset in its body", partly((stream) => stream.close(INTERNAL_ERROR)), "truncated some"],
    ["a stream that is cancelled in its body", partly((stream) => stream.close(CANCEL)), "truncated some"],
    ["a body shorter than its length", partly((stream) => stream.end()), "truncated some"],
    ["a body longer than its length", answerWith("123456", { "content-length": 5 }), "truncated some"],
    ["a connection that breaks", (stream) => stream.session?.destroy(), "unreachable some"],
    ["a connection that breaks in the body", partly((stream) => stream.session?.destroy()), "truncated some"],
    ["a body beyond the limit", answerWith("x".repeat(65_537)), "too_large some"],
    ["a length beyond the limit", (stream) => stream.respond({ "content-length": 65_537 }), "too_large some"],
    [
      "a body that never ends",
      (stream) => {
        stream.respond({});
        const pump = () => {
          while (!stream.destroyed && stream.write(Buffer.alloc(16_384)));
        };
        stream.on("drain", pump);
        pump();
      },
      "too_large some",
    ],
    ["gzip that is cut", answerWith(gzipSync("{}").subarray(0, -4), { "content-encoding": "gzip" }), "truncated some"],
    ["a bomb in gzip", answerWith(gzipSync(Buffer.alloc(1_000_000)), { "content-encoding": "gzip" }), "too_large some"],
    ["more headers than Node takes", answerWith("{}", { "x-a": "a".repeat(100_000) }), "unreachable some"],
  ];
  it.each(faults)("%s: the error, and another connection for the next request", async (_name, onStream, expected) => {
    const { origin, sessions } = await start(onStream);
    const send = connect();
    expect(await failureOf(send(origin))).toBe(expected);
    (peer as Http2Peer).onStream = answerWith("{}");
    expect(textOf(await send(origin))).toBe("{}");
    expect(sessions.length).toBe(2);
  });
});

describe("a deadline", () => {
  it("ends the stream and the use of its connection, but not the other streams", async () => {
    const streams: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start((stream) => void streams.push(stream));
    const send = connect();
    const other = send(origin, { body: "other" });
    await expect.poll(() => streams.length).toBe(1);
    const late = send(origin, { timeout: 1_000 });
    expect(await failureOf(late)).toBe("timeout some");
    (peer as Http2Peer).onStream = answerWith("new");
    expect(textOf(await send(origin))).toBe("new");
    for (const stream of streams) if (!stream.destroyed) answerWith("other's")(stream);
    expect(textOf(await other)).toBe("other's");
    expect(sessions.map((session) => session.streams)).toEqual([2, 1]);
    await expect.poll(() => peer?.open().length).toBe(1);
  });
});

describe("a connection that is closed after a wrong answer", () => {
  it("finishes what is under way, and gets no further request", async () => {
    const streams: ServerHttp2Stream[] = [];
    const { origin, sessions } = await start((stream) => void streams.push(stream));
    const send = connect();
    const [wrong, other] = [send(origin, { body: "wrong" }), send(origin, { body: "other" })];
    await expect.poll(() => streams.length).toBe(2);
    answerWith("{}")(streams[0] as ServerHttp2Stream);
    const { connection } = await wrong;
    expect(connection?.isTroubled).toBe(false);
    connection?.close();
    connection?.close();
    (peer as Http2Peer).onStream = answerWith("new");
    await Promise.all([send(origin), send(origin)]);
    answerWith("other's")(streams[1] as ServerHttp2Stream);
    const answer = await other;
    expect([textOf(answer), answer.connection?.isTroubled]).toEqual(["other's", true]);
    expect(sessions.map((session) => session.streams)).toEqual([2, 2]);
    await expect.poll(() => peer?.open().length).toBe(1);
  });
});

describe("a server that takes no more requests", () => {
  const REFUSED_STREAM = 7;

  it("finishes those under way after GOAWAY, and gets the next one on another connection", async () => {
    const { origin, sessions } = await start((stream) => {
      stream.session?.close();
      setTimeout(() => answerWith("last")(stream), 50);
    });
    const send = connect();
    expect(textOf(await send(origin))).toBe("last");
    (peer as Http2Peer).onStream = answerWith("next");
    expect(textOf(await send(origin))).toBe("next");
    expect(sessions.length).toBe(2);
  });

  it("has seen nothing of a stream that it refuses, and does not get the same bytes again", async () => {
    const { origin, requests } = await start((stream) => stream.close(REFUSED_STREAM));
    expect(await failureOf(connect()(origin))).toBe("unreachable none");
    expect(requests.length).toBe(1);
  });

  it("has seen nothing of a stream beyond the last one of its GOAWAY", async () => {
    const { origin, requests } = await start(answerWith("{}"));
    const send = connect();
    await send(origin);
    (peer as Http2Peer).onStream = (stream) => stream.session?.goaway(0, 1);
    expect(await failureOf(send(origin))).toBe("unreachable none");
    expect(requests.length).toBe(2);
  });

  it("has probably seen nothing of a request on an idle connection that it closes at once", async () => {
    const { origin } = await start(answerWith("{}"));
    const send = connect();
    await send(origin);
    (peer as Http2Peer).onStream = (stream) => stream.session?.socket.destroy();
    expect(await failureOf(send(origin))).toMatch(/^unreachable (stale|some)$/);
  });
});
