// application/x-www-form-urlencoded (RFC 6749 section 3.2 and appendix B), and HTTP Basic.

import type { Secret } from "./secret.ts";

/** Appendix B fixes UTF-8, so no charset parameter is sent. */
export const FORM_CONTENT_TYPE = "application/x-www-form-urlencoded";

/**
 * Letters, digits and `* - . _` stay unchanged, so a client id like `token-proxy` is read correctly
 * even by servers that do not decode HTTP Basic as RFC 6749 section 2.3.1 requires.
 */
export function formEncode(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}

/** Keeps the order. RFC 6749 section 3.2 treats empty parameters as omitted. */
export class Form extends URLSearchParams {
  override append(name: string, value: string): void {
    if (value !== "") super.append(name, value);
  }
}

/** @returns the value of Authorization for client_secret_basic */
export function clientSecretBasic(client_id: string, secret: Secret): string {
  return httpBasic(`${formEncode(client_id)}:${formEncode(secret.reveal())}`);
}

/** HTTP Basic with UTF-8, as RFC 7617 section 2.1 allows. */
export function httpBasic(credentials: string): string {
  return `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(credentials)))}`;
}
