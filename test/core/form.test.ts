// Every reader of forms decodes ours to the same parameters, in the same order.

import { describe, expect, it } from "vitest";
import { Form, formEncode } from "../../src/core/form.ts";

/** Characters that some server or firewall reads differently. */
const NASTY = "a% +:&=;?#/\\\"'<>(){}[]|~!*-._éß€😀\t\n";

describe("formEncode", () => {
  it.each([
    ["A-Z.a_z*09", "A-Z.a_z*09"],
    ["100% a+é:&=~", "100%25+a%2B%C3%A9%3A%26%3D%7E"],
    ["\r\n", "%0D%0A"],
  ])("encodes %j as %j", (text, encoded) => {
    expect(formEncode(text)).toBe(encoded);
  });

  it("is the reverse of decoding, with few characters unencoded", () => {
    expect(new URLSearchParams(`x=${formEncode(NASTY)}`).get("x")).toBe(NASTY);
    expect(formEncode(NASTY)).toMatch(/^[A-Za-z0-9*._+%-]+$/);
  });
});

describe("a form", () => {
  const formOf = (...parameters: [string, string][]) => {
    const form = new Form();
    for (const [name, value] of parameters) form.append(name, value);
    return form.toString();
  };

  it("keeps order and repetitions, and encodes names", () => {
    expect(formOf()).toBe("");
    expect(formOf(["b", "2"], ["a b&c", "d=e"], ["b", "3"])).toBe("b=2&a+b%26c=d%3De&b=3");
  });

  it("omits parameters with an empty value", () => {
    expect(formOf(["first", ""], ["a", "1"], ["empty", ""], ["b", "2"], ["last", ""])).toBe("a=1&b=2");
  });
});
