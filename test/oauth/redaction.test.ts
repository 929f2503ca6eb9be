// The provider's words in the log contain nothing that was sent, in whatever spelling.

import { describe, expect, it } from "vitest";
import { redacted } from "../../src/oauth/echoed-credential.ts";
import { makeCanary, search } from "../support/canaries.ts";

const CREDENTIAL = makeCanary("a credential");
const VALUE = makeCanary("a value of the call");
const CANARIES = [CREDENTIAL, VALUE];
const VALUES = [VALUE.text, "alice", "4711", "Jürgen@bank.example", "abc"];
const redact = (text: string) => redacted(text, [CREDENTIAL.text], VALUES);

const hex = (text: string) => Buffer.from(text).toString("hex");
const units = (text: string, write: (code: number) => string) =>
  [...text].map((char) => write(char.charCodeAt(0))).join("");
const padded = (code: number) => code.toString(16).padStart(4, "0");
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
const inHtml = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll("'", "&#39;");

const SPELLINGS: Record<string, (text: string) => string> = {
  plain: (text) => text,
  base64: (text) => Buffer.from(text).toString("base64"),
  base64url: (text) => Buffer.from(text).toString("base64url"),
  "base64 inside a text": (text) => Buffer.from(`ab${text}c`).toString("base64"),
  "base64 in lines": (text) => Buffer.from(text).toString("base64").replaceAll(/.{8}/g, "$&\r\n"),
  "base64 of a form": (text) => Buffer.from(new URLSearchParams([["a", text]]).toString()).toString("base64"),
  hex,
  "hex in capitals": (text) => hex(text).toUpperCase(),
  "hex with spaces": (text) => hex(text).replaceAll(/..(?!$)/g, "$& "),
  "hex with colons": (text) => hex(text).replaceAll(/..(?!$)/g, "$&:"),
  "percent-encoding": encodeURIComponent,
  "percent-encoding of everything": (text) => hex(text).replaceAll(/../g, "%$&"),
  "a form": (text) => new URLSearchParams([["a", text]]).toString(),
  "JSON escapes": inJson,
  "JSON escapes of everything": (text) => units(text, (code) => `\\u${padded(code)}`),
  "JSON in JSON": (text) => inJson(inJson(text)),
  "HTML entities": inHtml,
  "HTML entities of everything": (text) => units(text, (code) => `&#${code};`),
  "HTML entities in hex": (text) => units(text, (code) => `&#x${code.toString(16)};`),
  "HTML entities with zeros": (text) => units(text, (code) => `&#x${code.toString(16).padStart(8, "0")};`),
  "HTML in a form": (text) => encodeURIComponent(inHtml(text)),
  "pieces with spaces": (text) => text.replaceAll(/.{5}/g, "$& "),
  "pieces with invisible characters": (text) => text.replaceAll(/.{3}/g, "$&\u200b"),
  "pieces with escaped invisible characters": (text) => text.replaceAll(/.{3}/g, "$&%E2%80%8B"),
  capitals: (text) => text.toUpperCase(),
};

describe("what was sent is hidden", () => {
  it.each(Object.keys(SPELLINGS))("as %s", (name) => {
    const spell = SPELLINGS[name] as (text: string) => string;
    for (const { text } of CANARIES) {
      const shown = redact(`reason: ${spell(text)} behind`);
      expect(search(shown, CANARIES)).toEqual([]);
      expect(shown).toContain("[redacted]");
      expect(shown.toLowerCase()).not.toContain(spell(text).slice(4, 20).toLowerCase());
    }
    for (const value of ["alice", "4711", "Jürgen@bank.example"]) {
      expect(redact(`User ${spell(value)} is not enabled`)).toContain("[redacted]");
    }
  });

  it.each(Object.keys(SPELLINGS))("even 16 characters of a credential, as %s", (name) => {
    const spell = SPELLINGS[name] as (text: string) => string;
    for (let start = 0; start + 16 <= CREDENTIAL.text.length; start++) {
      const piece = CREDENTIAL.text.slice(start, start + 16);
      expect(redact(`x ${spell(piece)} x`), piece).toMatch(/^\[redacted\]$/);
    }
  });
});

describe("the rest is shown", () => {
  it("around a value that is written as it is, or in a URL", () => {
    expect(redact("User alice is not enabled")).toBe("User [redacted] is not enabled");
    expect(redact("https://idp/errors?user=J%C3%BCrgen%40bank.example&x=1")).toBe(
      "https://idp/errors?user=[redacted]&x=1",
    );
  });

  it.each(["Invalid token audience", "invalid_grant", "abc", "100 % of C:\\temp & 50 <b>", "Größe: 7", ""])(
    "%j",
    (text) => {
      expect(redact(text)).toBe(text);
    },
  );

  it("but not what starts like a JWT", () => {
    const jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJib2IifQ.c2ln";
    expect(redact(`token ${jwt}, expired`)).toBe("token [redacted], expired");
    expect(redact(`token ${encodeURIComponent(`"${jwt}"`)}`)).toBe("token %22[redacted]%22");
    expect(redact(units(jwt, (code) => `&#${code};`))).toBe("[redacted]");
  });

  it("without control and invisible characters", () => {
    expect(redact("a\r\n\x1b[2J\u202e\u2028\u3164b\u0000")).toBe("a [2J b ");
  });

  it("and at most 300 characters of it, after everything is hidden", () => {
    expect(redact("x y ".repeat(1_000))).toHaveLength(300);
    for (let length = 280; length < 305; length++) {
      const shown = redact(`${"-".repeat(length)}${CREDENTIAL.text}`);
      expect(shown.replaceAll(/-|\[?r?e?d?a?c?t?e?d?\]?/g, "")).toBe("");
    }
  });
});

it("hides a value that is cut off where the search ends, behind a long JWT", () => {
  const behind = "Jürgen@bank.example is unknown".padEnd(200);
  expect(redact(`${"eyJ".padEnd(970, "a")} ${"x ".repeat(20)}${behind}`)).toBe("[redacted]");
});

it("takes no time that matters for a long text and long credentials", () => {
  const text = "%41&#65;\\u0041".repeat(5_000);
  expect(redacted(text, ["k".repeat(4_000), "é".repeat(4_000)], ["u".repeat(500)])).toHaveLength(300);
});
