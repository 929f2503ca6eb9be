// The body of a call is read whole up to 64 KiB, and a larger one is refused as soon as that is known.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { MAX_CALL_BYTES, readText } from "../../src/steps/body.ts";
import { thrownBy } from "../support/fakes.ts";

const URL = "http://proxy.example/getToken";

/** A body of chunks without a Content-Length; an error among them breaks it off, a promise keeps it waiting. */
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

async function codeOf(request: Request): Promise<unknown> {
  const error = await thrownBy(() => readText(request));
  expect(error).toBeInstanceOf(TokenProxyError);
  return (error as TokenProxyError).code;
}

describe("without a Content-Length", () => {
  it("the chunks are put together in their order", async () => {
    const euro = new TextEncoder().encode("a€");
    const { request } = streamed([euro.slice(0, 2), bytes(0), euro.slice(2), Uint8Array.of(0x62)]);
    expect(await readText(request)).toBe("a€b");
  });

  it("no body is an empty text", async () => {
    expect(await readText(new Request(URL))).toBe("");
    expect(await readText(streamed([]).request)).toBe("");
  });

  it("64 KiB are read", async () => {
    const { request } = streamed([bytes(65_000), bytes(536, 2)]);
    const body = await readText(request);
    expect(body).toHaveLength(MAX_CALL_BYTES);
    expect(body.slice(64_999, 65_001)).toBe("\u0001\u0002");
  });

  it("one byte more is refused, and the rest is not waited for", async () => {
    const { request } = streamed([bytes(65_536), bytes(1), new Promise(() => {})]);
    expect(await codeOf(request)).toBe("call_too_large");
  });

  it("what follows a refusal is read into nothing, so that the connection can be used again", async () => {
    const { request, pulled } = streamed([bytes(65_536), bytes(1), bytes(65_536), bytes(65_536)]);
    expect(await codeOf(request)).toBe("call_too_large");
    await expect.poll(pulled).toBe(5);
  });

  it("a caller that breaks off after a refusal harms nothing", async () => {
    const { request, pulled } = streamed([bytes(65_537), new Error("reset")]);
    expect(await codeOf(request)).toBe("call_too_large");
    await expect.poll(pulled).toBe(2);
  });

  it("one that breaks off is refused with the reason inside", async () => {
    const cause = new Error("reset");
    const error = (await thrownBy(() => readText(streamed([bytes(1), cause]).request))) as TokenProxyError;
    expect(error.code).toBe("call_invalid");
    expect(error.message).toBe("the call's body is incomplete: the connection was closed");
    expect(error.cause).toBe(cause);
  });
});

describe("with a Content-Length", () => {
  const announced = (length: string, body: string) =>
    new Request(URL, { method: "POST", body, headers: { "content-length": length } });

  it("the body is read", async () => {
    expect(await readText(announced("5", "hello"))).toBe("hello");
  });

  it("too large a one is refused before anything is read", async () => {
    const { request, pulled } = streamed([bytes(1)], { "content-length": "65537" });
    expect(await codeOf(request)).toBe("call_too_large");
    expect(pulled()).toBe(0);
  });

  it("a body that breaks off is refused", async () => {
    const { request } = streamed([bytes(1), new Error("reset")], { "content-length": "5" });
    expect(await codeOf(request)).toBe("call_invalid");
  });
});

it("the limit is told with the refusal", async () => {
  const error = await thrownBy(() => readText(streamed([bytes(70_000)]).request));
  expect((error as Error).message).toBe("the call's body is larger than 65536 bytes");
});
