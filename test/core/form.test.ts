// Forms are encoded as the platform's own reader decodes them, in the order in which parameters are given.

import { describe, expect, it } from "vitest";
import { Form, formEncode } from "../../src/core/form.ts";

/** Every sign that some server or firewall reads in another way. */
const NASTY = "a% +:&=;?#/\\\"'<>(){}[]|~!*-._éß€😀\t\n";

describe("encoding", () => {
  it.each([
    ["token-proxy", "token-proxy"],
    ["A-Z.a_z*09", "A-Z.a_z*09"],
    ["a b", "a+b"],
    ["a+b", "a%2Bb"],
    ["100%", "100%25"],
    ["a:b", "a%3Ab"],
    ["a&b=c", "a%26b%3Dc"],
    ["~", "%7E"],
    ["é", "%C3%A9"],
    ["😀", "%F0%9F%98%80"],
    ["\r\n", "%0D%0A"],
    ["", ""],
  ])("%j is written %j", (text, encoded) => {
    expect(formEncode(text)).toBe(encoded);
  });

  it("is undone by a reader of forms", () => {
    expect(new URLSearchParams(`x=${formEncode(NASTY)}`).get("x")).toBe(NASTY);
    expect(formEncode(NASTY)).toMatch(/^[A-Za-z0-9*._+%-]+$/);
  });
});

describe("a form", () => {
  it("keeps the order and the repeats of its parameters", () => {
    const form = new Form();
    form.append("b", "2");
    form.append("a", "1");
    form.append("b", "3");
    expect(form.toString()).toBe("b=2&a=1&b=3");
  });

  it("leaves out a parameter whose value is empty, wherever it stands", () => {
    const form = new Form();
    form.append("first", "");
    form.append("a", "1");
    form.append("empty", "");
    form.append("b", "2");
    form.append("last", "");
    expect(form.toString()).toBe("a=1&b=2");
  });

  it("encodes names as well as values", () => {
    const form = new Form();
    form.append("a b&c", "d=e&f");
    expect(form.toString()).toBe("a+b%26c=d%3De%26f");
    expect([...new URLSearchParams(form.toString())]).toEqual([["a b&c", "d=e&f"]]);
  });

  it("is empty without parameters", () => {
    expect(new Form().toString()).toBe("");
  });
});
