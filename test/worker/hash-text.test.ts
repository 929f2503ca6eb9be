// The hash of a text on Workers: the same digits as OpenSSL's, for every length and for every text.

import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { workerHashText } from "../../src/worker/host.ts";

const reference = (text: string) => hash("sha256", text, "hex");

describe("the hash of a text", () => {
  it("is 64 hexadecimal digits in lower case", async () => {
    expect(await workerHashText("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });

  it("is right for every length", async () => {
    for (let length = 0; length <= 300; length++) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + length) % 128)).join("");
      expect(await workerHashText(text)).toBe(reference(text));
    }
  });

  it("is that of the text in UTF-8, whatever stands in it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (text) => {
        expect(await workerHashText(text)).toBe(reference(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes a lone surrogate for U+FFFD, as every encoder does", async () => {
    expect(await workerHashText("a\ud800b")).toBe(reference("a\ufffdb"));
  });
});
