// OpenSSL's signatures by a curve as JOSE has them: two numbers of the same length each, whatever they are.

import { generateKeyPairSync, sign, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { toJoseSignature } from "../../../src/node/fast-path/jws.ts";

/** Among so many are numbers that begin with a bit that is set, and with a byte of zeros (one in 256). */
const SIGNATURES = 2_000;

describe.each([
  ["prime256v1", "sha256", 32],
  ["secp384r1", "sha384", 48],
])("a signature by %s", (namedCurve, digest, size) => {
  it("is the one that OpenSSL verifies in that form", () => {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
    const key = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
    const lengths = new Set<number>();
    for (let i = 0; i < SIGNATURES; i++) {
      const data = Buffer.from(String(i));
      const der = sign(digest, data, privateKey);
      lengths.add(der.length);
      const joined = toJoseSignature(der, size);
      expect(joined.length).toBe(2 * size);
      expect(verify(digest, data, key, joined)).toBe(true);
    }
    expect(lengths.size).toBeGreaterThan(2); // else none of the numbers was short
  });

  it("has its numbers at their places, however short they are", () => {
    const der = Buffer.from([0x30, 9, 0x02, 1, 7, 0x02, 4, 0, 0x80, 1, 2]);
    const joined = Buffer.alloc(2 * size);
    joined[size - 1] = 7;
    joined.set([0x80, 1, 2], 2 * size - 3);
    expect(toJoseSignature(der, size)).toEqual(joined);
  });

  it("is refused where it is cut off", () => {
    expect(() => toJoseSignature(Buffer.from([0x30, 9, 0x02, 1, 7, 0x02, 4, 0, 0x80]), size)).toThrow(RangeError);
  });
});

it("a signature whose lengths take two bytes is refused, and not made another", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp521r1" });
  for (let i = 0; i < 50; i++) {
    const der = sign("sha512", Buffer.from(String(i)), privateKey);
    expect(() => toJoseSignature(der, 66)).toThrow();
  }
});
