// Reads the body of a call, up to a limit.

import { TokenProxyError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { readUpTo } from "../core/read-stream.ts";

/** A call names a user, and at most carries a token or two. */
export const MAX_CALL_BYTES = 65_536;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws {TokenProxyError} call_too_large as soon as that is known; call_invalid */
export async function readText(request: Request): Promise<string> {
  const bytes = await readBytes(request);
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("the call's body is not UTF-8");
  }
}

/** For requests that must be forms. @throws {TokenProxyError} call_invalid or call_too_large */
export async function readForm(request: Request): Promise<URLSearchParams> {
  if (mediaType(request) !== FORM_CONTENT_TYPE) throw invalid(`the call's Content-Type must be ${FORM_CONTENT_TYPE}`);
  return parseParameters(await readText(request));
}

export function mediaType(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** URLSearchParams replaces invalid UTF-8 and keeps broken escapes: two users could become one. */
export function parseParameters(text: string): URLSearchParams {
  decode(text, "a parameter of the call");
  return new URLSearchParams(text);
}

export function decode(text: string, place: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`${place} has a broken percent-encoding`);
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const announced = request.headers.get("content-length");
  if (announced !== null && Number(announced) > MAX_CALL_BYTES) throw tooLarge();
  let bytes: Uint8Array | undefined;
  try {
    // Both runtimes enforce Content-Length, so such a body needs no counting.
    if (announced !== null) return new Uint8Array(await request.arrayBuffer());
    bytes = await readUpTo(request.body, MAX_CALL_BYTES);
  } catch (cause) {
    throw new TokenProxyError("call_invalid", "the call's body is incomplete: the connection was closed", { cause });
  }
  if (bytes !== undefined) return bytes;
  // The caller must send the rest before it gets its response. The listener limits how long.
  request.body?.pipeTo(new WritableStream()).catch(() => {});
  throw tooLarge();
}

function tooLarge(): TokenProxyError {
  return new TokenProxyError("call_too_large", `the call's body is larger than ${MAX_CALL_BYTES} bytes`);
}

export function invalid(message: string): TokenProxyError {
  return new TokenProxyError("call_invalid", message);
}
