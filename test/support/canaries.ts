// Unique values in place of secrets, and a search for them in every form in which they could leak.

import { randomBytes } from "node:crypto";

export interface Canary {
  /** The secret that it replaces. */
  name: string;
  /** The value as it is used. */
  text: string;
  /** The part of it that is looked for. */
  needles: readonly Buffer[];
}

/** The kinds of forms, each of which the positive control has to find. */
export const FORMS = ["plain", "base64", "base64url", "hex", "percent-encoded", "JSON-escaped"] as const;
export type Form = (typeof FORMS)[number];

/** Unique letters and digits, between characters that each encoding changes. */
export function makeCanary(name: string): Canary {
  // Without y, because "eyJ" by chance would be redacted as a JWT.
  const core = randomBytes(24)
    .toString("base64")
    .replaceAll(/[+/=y]/g, "x");
  return { name, text: `%"${core}\\/+&=`, needles: [Buffer.from(core)] };
}

/** Like makeCanary, for a given text. @param parts what the search looks for */
export const canaryOf = (name: string, text: string, ...parts: string[]): Canary => ({
  name,
  text,
  needles: parts.map((part) => Buffer.from(part)),
});

/** A key in PEM: its full lines and the private number are secret. */
export function canaryOfKey(name: string, pem: string, d: string): Canary {
  const lines = pem.split("\n").filter((line) => line.length === 64);
  return { name, text: pem, needles: [...lines.map((line) => Buffer.from(line)), Buffer.from(d, "base64url")] };
}

/** Base64 of the bytes amid other bytes: only the characters that do not depend on those. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString("base64");
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

const hexOf = (bytes: Buffer) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));

/** Each form of a needle, in small letters where its digits are hexadecimal. */
function formsOf(needle: Buffer): Record<Form, string[]> {
  const base64 = base64Forms(needle);
  const hex = hexOf(needle);
  return {
    plain: [needle.toString("latin1")],
    base64,
    base64url: base64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
    hex: [hex.join(""), hex.join(" "), hex.join(":")],
    "percent-encoded": [hex.map((byte) => `%${byte}`).join("")],
    "JSON-escaped": [hex.map((byte) => `\\u00${byte}`).join("")],
  };
}

const CASELESS: ReadonlySet<Form> = new Set(["hex", "percent-encoded", "JSON-escaped"]);

/** @returns `NAME as FORM` for each canary that is in there; none is itself repeated */
export function search(text: string, canaries: readonly Canary[]): string[] {
  const small = text.toLowerCase();
  const found = new Set<string>();
  for (const { name, needles } of canaries) {
    for (const needle of needles) {
      for (const [form, texts] of Object.entries(formsOf(needle))) {
        const where = CASELESS.has(form as Form) ? small : text;
        if (texts.some((one) => where.includes(one))) found.add(`${name} as ${form}`);
      }
    }
  }
  return [...found];
}
