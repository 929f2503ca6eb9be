// A credential is found in whatever way a refusal writes it, and other texts are not taken for it.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { repeatsCredential } from "../../src/oauth/echoed-credential.ts";
import { anyText, forAll, watchRejections } from "./fuzz.ts";

watchRejections();

const SPECIAL = [..."aZ7%+ \"\\/&=é😀~!'()*-_", "%41", "\\u0041", "\\n"];
const credential = fc.oneof(
  fc.string({ unit: fc.constantFrom(...SPECIAL), minLength: 8, maxLength: 20 }),
  fc.string({ unit: "grapheme-ascii", minLength: 8, maxLength: 60 }),
);
const around = anyText.filter((text) => text.length < 100 && text.isWellFormed());

const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
const inForm = (text: string) => new URLSearchParams([["", text]]).toString().slice(1);
const everyUnit = (text: string) =>
  text.replaceAll(/./gs, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
const escapes = fc.constantFrom(inJson, encodeURIComponent, everyUnit, (text: string) =>
  inJson(text).replaceAll("/", "\\/"),
);
const written = fc.constantFrom(inJson, inForm, encodeURIComponent, (text: string) => text);

describe("a credential", () => {
  it("is found behind two escapes", async () => {
    await forAll(fc.tuple(credential, around, around, escapes, escapes), ([secret, before, after, inner, outer]) => {
      expect(repeatsCredential(outer(inner(before + secret + after)), [secret])).toBe(true);
    });
  });

  it("is found in base64 of a longer text, behind an escape", async () => {
    const base64 = fc.constantFrom<BufferEncoding>("base64", "base64url");
    await forAll(
      fc.tuple(credential, around, around, written, base64, escapes),
      ([secret, before, after, write, form, escaped]) => {
        const text = Buffer.from(before + write(secret) + after).toString(form);
        expect(repeatsCredential(escaped(text), [secret])).toBe(true);
      },
    );
  });

  it("is not found in what does not have it", async () => {
    await forAll(fc.tuple(fc.uuid(), anyText), ([secret, text]) => {
      expect(repeatsCredential(text, [secret, secret.slice(0, 7)])).toBe(false);
    });
  });
});
