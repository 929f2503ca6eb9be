// "Try it" of dev mode: what its form asks for, and what came back, taken apart for who wants to see it. Makes no call itself.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { isFault, readValue } from "../../nextauth/values.ts";

/** Whose token is asked for. */
export interface TryItCall {
  userid: string;
  accountid: number;
}

/** A token of the answer. */
export interface TryItToken {
  /** The member of the answer, as `access_token`. */
  member: string;
  /** Undefined where it is not a JWT, or one whose claims are encrypted. Nobody has verified it. */
  jwt: { header: object; claims: object } | undefined;
}

export interface TryItResult {
  status: number;
  contentType: string;
  /** As received. */
  byteCount: number;
  text: string;
  tokens: readonly TryItToken[];
}

/** What the page shows of it: the form alone, what is wrong with what was entered, or a result. */
export interface TryItView {
  /** For the form; undefined shows the user of dev mode. */
  call?: TryItCall | undefined;
  fault?: string | undefined;
  result?: TryItResult | undefined;
}

const TOKENS = ["access_token", "id_token"] as const;

/** @param body of the form. The fault is in words for its user, and repeats nothing of it */
export function parseTryIt(body: URLSearchParams): TryItCall | { fault: string } {
  const call = { userid: one(body, "userid"), accountid: one(body, "accountid") };
  const userid = readValue("userid", call.userid, false);
  if (isFault(userid)) return { fault: `"userid" ${userid.fault}` };
  const accountid = readValue("accountid", call.accountid, false);
  if (isFault(accountid)) return { fault: `"accountid" ${accountid.fault}` };
  return { userid: userid as string, accountid: accountid as number };
}

/** A field that is missing or stands twice is as good as an empty one. */
function one(body: URLSearchParams, name: string): string {
  const values = body.getAll(name);
  return values.length === 1 ? (values[0] as string) : "";
}

/**
 * @param bytes of the TokenResult, as they were received
 * @param call that was made, so that the form keeps it
 */
export function tryItResult(status: number, contentType: string, bytes: Uint8Array, call?: TryItCall): TryItView {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return { call, result: { status, contentType, byteCount: bytes.length, text, tokens: tokensOf(text) } };
}

function tokensOf(text: string): TryItToken[] {
  const answer = parseObject(text);
  return TOKENS.flatMap((member) => {
    const value = answer[member];
    return typeof value === "string" ? { member, jwt: decode(value) } : [];
  });
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function decode(token: string): TryItToken["jwt"] {
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) };
  } catch {
    return undefined;
  }
}

/**
 * Whether a request comes from this service's own page. Another site's page can send a form here, and a name of its own that it
 * points at this machine (DNS rebinding) would make it ours: so the name must be one that only this machine can have.
 */
export function isSameOrigin(request: Request): boolean {
  const { origin, hostname } = new URL(request.url);
  if (!isLoopback(hostname)) return false;
  const site = request.headers.get("sec-fetch-site");
  // By the page's own Referrer-Policy its Origin is "null", so this header, where a browser sends it, is what counts.
  return site === null ? request.headers.get("origin") === origin : site === "same-origin";
}

/** @param hostname as URL has it: an IPv4 address in four decimal numbers, an IPv6 one in brackets */
function isLoopback(hostname: string): boolean {
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(?:\.\d+){3}$/.test(hostname)
  );
}
