// The body of a call is read up to 64 KiB. A larger one is refused as soon as that is known.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { MAX_CALL_BYTES, readText } from "../../src/steps/body.ts";
import { thrownBy } from "../support/fakes.ts";

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
