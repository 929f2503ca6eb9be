// The body of a call is read within limits of size and time. Unfinished bodies are limited too.

import { createServer, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { nodeClock } from "../../src/node/host.ts";
import { createBodyReader, MAX_CALL_BYTES, type ReadBody, readText } from "../../src/steps/body.ts";
import type { CallContext } from "../../src/steps/context.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { thrownBy } from "../support/fakes.ts";
import { listenLocally } from "../support/port.ts";

const URL = "http://proxy.example/getToken";

/** A body in chunks. An error among them breaks it off; a promise keeps it waiting. */
function streamed(chunks: (Uint8Array | Error | Promise<never>)[], headers: Record<string, string> = {}) {
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[pulled];
        pulled += 1;
        if (chunk instanceof Promise) return chunk;
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request(URL, { method: "POST", body, headers, duplex: "half" } as RequestInit);
  return { request, pulled: () => pulled };
}

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

async function refusal(request: Request): Promise<TokenProxyError> {
  const error = await thrownBy(() => readText(request));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

describe("a body without Content-Length", () => {
  it("is the text of its chunks in order", async () => {
    const euro = new TextEncoder().encode("a€");
    const { request } = streamed([euro.slice(0, 2), bytes(0), euro.slice(2), Uint8Array.of(0x62)]);
    expect(await readText(request)).toBe("a€b");
  });

  it("is empty text if there is none", async () => {
    expect(await readText(new Request(URL))).toBe("");
    expect(await readText(streamed([]).request)).toBe("");
  });

  it("may have 64 KiB", async () => {
    const body = await readText(streamed([bytes(65_000), bytes(536, 2)]).request);
    expect(body).toHaveLength(MAX_CALL_BYTES);
    expect(body.slice(64_999, 65_001)).toBe("\u0001\u0002");
  });

  it("is refused with one byte more, without waiting for the rest", async () => {
    const error = await refusal(streamed([bytes(65_536), bytes(1), new Promise(() => {})]).request);
    expect([error.code, error.message]).toEqual(["call_too_large", "the call's body is larger than 65536 bytes"]);
  });

  it.each([
    ["read to its end after a refusal, so that the caller gets the response", [bytes(65_536), bytes(65_536)], 5],
    ["not an unhandled error if it breaks off after a refusal", [new Error("reset")], 3],
  ])("is %s", async (_, rest, pulls) => {
    const { request, pulled } = streamed([bytes(65_536), bytes(1), ...rest]);
    expect((await refusal(request)).code).toBe("call_too_large");
    await expect.poll(pulled).toBe(pulls);
  });

  it("is refused if it breaks off, with the cause", async () => {
    const cause = new Error("reset");
    const error = await refusal(streamed([bytes(1), cause]).request);
    expect(error.code).toBe("call_invalid");
    expect(error.message).toBe("the call's body is incomplete: the connection was closed");
    expect(error.cause).toBe(cause);
  });
});

describe("a body with Content-Length", () => {
  it("is read", async () => {
    const headers = { "content-length": "5" };
    expect(await readText(new Request(URL, { method: "POST", body: "hello", headers }))).toBe("hello");
  });

  it("is refused before anything is read if it is too long", async () => {
    const { request, pulled } = streamed([bytes(1)], { "content-length": "65537" });
    expect([(await refusal(request)).code, pulled()]).toEqual(["call_too_large", 0]);
  });

  it("is refused if it breaks off", async () => {
    const { request } = streamed([bytes(1), new Error("reset")], { "content-length": "5" });
    expect((await refusal(request)).code).toBe("call_invalid");
  });
});

describe("a body that arrives slowly", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const inbound = {
    ...workerInbound,
    awaitsBody: () => true,
    clientAddress: (request: Request) => request.headers.get("x-address") as string,
  };
  const deps = { inbound, clock: nodeClock };

  /** Begins to read a body. @returns its code, unless it was read, and ways to finish it */
  function begin(read: ReadBody, address = "192.0.2.1") {
    let body: ReadableStreamDefaultController | undefined;
    const stream = new ReadableStream({
      start(controller) {
        body = controller;
      },
    });
    const raw = new Request(URL, {
      ...{ method: "POST", headers: { "x-address": address }, duplex: "half" },
      body: stream,
    });
    const outcome = read({ req: { raw }, env: {} } as unknown as CallContext).catch((error) => error);
    return {
      outcome: outcome.then((result) =>
        result instanceof TokenProxyError ? [result.code, result.retryAfter] : result,
      ),
      send: (text: string) => body?.enqueue(new TextEncoder().encode(text)),
      end: () => body?.close(),
      breakOff: () => body?.error(new Error("reset")),
    };
  }
  const beginMany = (read: ReadBody, count: number, address?: string) =>
    Array.from({ length: count }, () => begin(read, address));
  const TIMED_OUT = ["call_timeout", undefined];
  const TOO_MANY = ["rate_limited", 2];

  it("is a call like any other within 2 s", async () => {
    const slow = begin(createBodyReader(deps));
    slow.send("a");
    await vi.advanceTimersByTimeAsync(1_999);
    slow.send("b");
    slow.end();
    expect(await slow.outcome).toBe("ab");
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([true, false])("is refused after 2 s, counted (%s) or not as on Workers", async (counts) => {
    const { outcome, send } = begin(createBodyReader({ ...deps, inbound: counts ? inbound : workerInbound }));
    send("a");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await outcome).toEqual(TIMED_OUT);
  });

  it("is one of 1,024 at most, until it is complete, breaks off or is late", async () => {
    const read = createBodyReader(deps);
    const slow = beginMany(read, 1_024);
    expect(await begin(read).outcome).toEqual(TOO_MANY);
    slow[0]?.end();
    slow[1]?.breakOff();
    expect([await slow[0]?.outcome, await slow[1]?.outcome]).toEqual(["", ["call_invalid", undefined]]);
    const more = beginMany(read, 3);
    expect(await more[2]?.outcome).toEqual(TOO_MANY);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await more[1]?.outcome).toEqual(TIMED_OUT);
    expect(await slow[1_023]?.outcome).toEqual(TIMED_OUT);
    const again = beginMany(read, 1_025);
    expect(await again[1_024]?.outcome).toEqual(TOO_MANY);
  });

  it("counts for its address before it counts for all", async () => {
    const read = createBodyReader(deps, 2);
    const slow = beginMany(read, 2, "192.0.2.1");
    expect(await begin(read, "192.0.2.1").outcome).toEqual(TOO_MANY);
    const other = begin(read, "192.0.2.2");
    other.end();
    expect(await other.outcome).toBe("");
    slow[0]?.end();
    await slow[0]?.outcome;
    const [next, refused] = beginMany(read, 2, "192.0.2.1");
    next?.end();
    expect([await next?.outcome, await refused?.outcome]).toEqual(["", TOO_MANY]);
  });

  it("does not count for other readers, nor if the runtime says that it has arrived", async () => {
    const read = createBodyReader(deps, 1);
    begin(read);
    const other = begin(createBodyReader(deps, 1));
    const whole = begin(createBodyReader({ inbound: workerInbound, clock: nodeClock }, 0));
    for (const one of [other, whole]) {
      one.end();
      expect(await one.outcome).toBe("");
    }
  });
});

it("a body that arrives while the process is paused is not late", async () => {
  let arrived: (incoming: IncomingMessage) => void = () => {};
  const server = createServer((incoming) => arrived(incoming));
  const port = await listenLocally(server);
  const headers = { "Content-Length": "2" };
  const client = request({ port, host: "127.0.0.1", method: "POST", headers }).on("error", () => {});
  try {
    const incoming = await new Promise<IncomingMessage>((resolve) => {
      arrived = resolve;
      client.write("a");
    });
    const body = Readable.toWeb(incoming) as ReadableStream;
    const raw = new Request(URL, { method: "POST", body, duplex: "half" } as RequestInit);
    const text = createBodyReader({ inbound: workerInbound, clock: nodeClock })({
      req: { raw },
      env: {},
    } as unknown as CallContext);
    client.write("b");
    // Stops the event loop beyond the deadline.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_200);
    expect(await text).toBe("ab");
  } finally {
    client.destroy();
    server.close();
  }
});
