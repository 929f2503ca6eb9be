// application/x-www-form-urlencoded, for token requests (RFC 6749 §3.2, App. B) and for the credentials in HTTP Basic.

import type { Secret } from "./secret.ts";

/** The media type of every token request. RFC 6749 App. B fixes UTF-8, so no charset parameter is sent. */
export const FORM_CONTENT_TYPE = "application/x-www-form-urlencoded";

/** What stays as it is: most names and values, which need no serialiser then. */
const PLAIN = /^[A-Za-z0-9*\-._]*$/;

/**
 * Encodes one text. Letters, digits and `* - . _` stay as they are (the platform's own serialiser): so a client id like
 * `token-proxy` reads the same at servers that decode HTTP Basic and at those that, against RFC 6749 §2.3.1, do not.
 */
export function formEncode(text: string): string {
  if (PLAIN.test(text)) return text;
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** Parameters in the order in which they are appended. Empty values are left out, since RFC 6749 §3.2 reads them as omitted. */
export class Form {
  #text: string;

  /** @param start parameters that are encoded already, which the ones appended follow */
  constructor(start = "") {
    this.#text = start;
  }

  append(name: string, value: string): void {
    if (value === "") return;
    this.#text += `${this.#text === "" ? "" : "&"}${formEncode(name)}=${formEncode(value)}`;
  }

  toString(): string {
    return this.#text;
  }
}

/** @returns the value of Authorization; by itself for requests that know no other method, as introspection */
export function clientSecretBasic(client_id: string, secret: Secret): string {
  return httpBasic(`${formEncode(client_id)}:${formEncode(secret.reveal())}`);
}

/** HTTP Basic with UTF-8, as RFC 7617 §2.1 allows. */
export function httpBasic(credentials: string): string {
  const bytes = new TextEncoder().encode(credentials);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
