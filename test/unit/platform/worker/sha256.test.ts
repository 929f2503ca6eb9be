// SHA-256 in JavaScript: the same digits as OpenSSL's, for every length of the last block and for every text.

import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../../src/platform/worker/sha256.ts";

const reference = (text: string) => hash("sha256", text, "hex");

describe("SHA-256 of a text", () => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ])("is what FIPS 180 gives (example %#)", (text, digest) => {
    expect(sha256Hex(text)).toBe(digest);
  });

  it("is right for every length, each byte of its letters another", () => {
    for (let length = 0; length <= 300; length++) {
      const text = Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + length) % 256)).join("");
      expect(sha256Hex(text)).toBe(reference(text));
    }
  });

  it("is that of the text in UTF-8, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        expect(sha256Hex(text)).toBe(reference(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it("takes a lone surrogate for U+FFFD, as every encoder does", () => {
    expect(sha256Hex("a\ud800b")).toBe(reference("a\ufffdb"));
  });
});
