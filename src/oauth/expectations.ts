// Checks what was granted: a 200 does not prove whose token it is (authentik, Janssen), or for what.

import { base64url } from "jose";
import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { membersAsWritten, readJsonObject } from "../core/json.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { Values } from "../core/values.ts";
import type { Judge } from "./judge-answer.ts";
import { compileTemplate } from "./template.ts";

export interface ExpectSubjectSettings {
  /** The member of the token response that holds a JWT, or the user itself. */
  member: string;
  /** The claim of that JWT; undefined to compare the member itself. */
  claim?: string | undefined;
  /** A template of the expected text. */
  equals: string;
  compare?: "exact" | "ascii_case_insensitive";
}

export interface Expectations extends Pick<Judge, "answer"> {
  scope?: string | undefined;
  expect_subject?: ExpectSubjectSettings | undefined;
  /** One of the token's audiences. */
  expect_audience?: string | undefined;
  /** Each of its words must be granted. */
  expect_scope?: string | undefined;
  /** Milliseconds. */
  expect_max_lifetime?: number | undefined;
  /** Members that no answer may have, not even a refusal. */
  forbid_members?: readonly string[] | undefined;
}

/** @param requested the scope of the request, with its templates filled in */
type Check = (json: string, requested: () => string) => void;

/**
 * Signatures are not verified: the token came over the provider's TLS connection.
 * @param name the provider's name in the file
 * @returns a function for the values of a call, which throws call_invalid; it returns one for an
 * answer that would be relayed, which throws `provider_wrong_…` or provider_forbidden_member
 */
export function compileExpectations(settings: Expectations, name: string, deps: { clock: Clock; log: Log }) {
  const { expect_subject, expect_audience, expect_scope, expect_max_lifetime, forbid_members, scope, answer } =
    settings;
  const key = `providers.${name}`;
  const member = answer.require[0] ?? "";
  const checks: Check[] = [];
  const subject = expect_subject && compileSubject(expect_subject, key);
  if (expect_audience !== undefined) checks.push(compileAudience(expect_audience, member, key));
  if (expect_scope !== undefined) checks.push(compileScope(expect_scope, key));
  if (expect_max_lifetime !== undefined) checks.push(compileLifetime(expect_max_lifetime, member, key, deps.clock));
  const warnOfScope = scope === undefined ? undefined : createScopeWatch(scope, name, deps);

  return (values: Values) => {
    const all = subject === undefined ? checks : [subject(values), ...checks];
    return (
      members: Readonly<Record<string, unknown>>,
      body: Uint8Array,
      isToken: boolean,
      requested: () => string,
    ) => {
      const forbidden = forbid_members?.find((one) => Object.hasOwn(members, one));
      if (forbidden !== undefined) {
        const cure = "switch it off for this client at the provider";
        const message = `the provider "${key}" sent "${forbidden}", which "${key}.forbid_members" forbids; ${cure}`;
        throw new TokenProxyError("provider_forbidden_member", message);
      }
      if (!isToken) return;
      if (all.length > 0) {
        const json = new TextDecoder().decode(body);
        for (const check of all) check(json, requested);
      }
      if (typeof members.scope === "string") warnOfScope?.(members.scope, requested);
    };
  };
}

function compileSubject({ member, claim, equals, compare }: ExpectSubjectSettings, key: string) {
  const { setting, wrong, textOf, claimsIn } = createReader("provider_wrong_subject", key, "expect_subject");
  const expected = compileTemplate(equals, { key: setting });
  // Beyond ASCII, two users could have one name in lower case: the Kelvin sign becomes a k.
  const fold = (text: string | undefined) =>
    compare === "ascii_case_insensitive" ? text?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
  return (values: Values): Check => {
    const wanted = fold(expected(values));
    return (json) => {
      const from = claim === undefined ? json : claimsIn(json, member);
      if (fold(textOf(from, claim ?? member)) !== wanted)
        throw wrong(`a token of another user than "${setting}" expects`);
    };
  };
}

function compileAudience(expected: string, member: string, key: string): Check {
  const { setting, wrong, written, claimsIn } = createReader("provider_wrong_audience", key, "expect_audience");
  return (json) => {
    const aud: unknown = JSON.parse(written(claimsIn(json, member), "aud") ?? "null");
    if (![aud].flat().includes(expected)) throw wrong(`a token for another audience than "${setting}"`);
  };
}

function compileScope(expected: string, key: string): Check {
  const { setting, wrong, written, textOf } = createReader("provider_wrong_scope", key, "expect_scope");
  return (json, requested) => {
    // RFC 6749 section 5.1: an absent scope means the requested one.
    const granted = written(json, "scope") === undefined ? requested() : textOf(json, "scope");
    if (missingWords(expected, granted ?? "").length > 0) throw wrong(`a token without all words of "${setting}"`);
  };
}

function compileLifetime(most: number, member: string, key: string, clock: Clock): Check {
  const reader = createReader("provider_wrong_lifetime", key, "expect_max_lifetime");
  const { setting, wrong, written, textOf } = reader;
  const number = (json: string | undefined, name: string) =>
    written(json, name) === undefined ? undefined : Number(textOf(json, name) || Number.NaN);
  return (json) => {
    const claims = claimsOf(textOf(json, member) ?? "");
    const exp = number(claims, "exp");
    // By the provider's clock, if it says when it issued the token.
    const ofJwt = exp && exp - (number(claims, "iat") ?? clock.now() / 1_000);
    // Apps follow expires_in, and resource servers the JWT.
    const stated = [number(json, "expires_in"), ofJwt].filter((seconds) => seconds !== undefined);
    if (stated.length === 0) throw wrong(`a token without a lifetime, which "${setting}" limits`);
    if (!stated.every((seconds) => seconds * 1_000 <= most)) throw wrong(`a token that lives longer than "${setting}"`);
  };
}

/** Reads answers for one setting. Nothing that a provider sends gets into its errors. */
function createReader(code: ErrorCode, key: string, name: string) {
  const setting = `${key}.${name}`;
  const wrong = (what: string) => new TokenProxyError(code, `the provider "${key}" sent ${what}`);

  /** Readers differ in which of two members of one name they use. */
  function written(json: string | undefined, name: string): string | undefined {
    const [found, ...more] = json === undefined ? [] : membersAsWritten(json, name);
    if (more.length > 0) throw wrong(`"${name}" twice, so "${setting}" cannot tell which one counts`);
    return found;
  }

  /** As written, because numbers beyond 2^53 would be rounded. Nothing else names a user. */
  function textOf(json: string | undefined, name: string): string | undefined {
    const found = written(json, name);
    if (found?.startsWith('"')) return JSON.parse(found) as string;
    return found !== undefined && /^[-\d]/.test(found) ? found : undefined;
  }

  function claimsIn(json: string, member: string): string | undefined {
    const token = textOf(json, member);
    const claims = token === undefined ? undefined : claimsOf(token);
    if (token === undefined || claims !== undefined) return claims;
    throw wrong(`an opaque token as "${member}", which "${setting}" cannot read; name a member that is a signed JWT`);
  }

  return { setting, wrong, written, textOf, claimsIn };
}

/** @returns the text of a signed JWT's claims; undefined for an opaque or encrypted token */
function claimsOf(token: string): string | undefined {
  const part = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1];
  const bytes = part !== undefined && part.length % 4 !== 1 ? base64url.decode(part) : undefined;
  return bytes && readJsonObject(bytes) && new TextDecoder().decode(bytes);
}

const wordsOf = (scope: string) => scope.split(" ").filter((word) => word !== "");

function missingWords(wanted: string, granted: string): string[] {
  const found = wordsOf(granted);
  return wordsOf(wanted).filter((word) => !found.includes(word));
}

const WARN_EVERY_MS = 60_000;

/** Warns of less scope than requested: the token works, but not for everything. */
function createScopeWatch(inFile: string, name: string, { clock, log }: { clock: Clock; log: Log }) {
  let nextWarning = 0;
  return (granted: string, requested: () => string): void => {
    if (clock.elapsed() < nextWarning || missingWords(inFile, granted).length === 0) return;
    const missing = missingWords(requested(), granted);
    if (missing.length === 0) return;
    nextWarning = clock.elapsed() + WARN_EVERY_MS;
    // A word that a template filled in may name a user.
    const shown = missing.map((word) => (wordsOf(inFile).includes(word) ? word : "[from a template]")).join(" ");
    const cure = "allow it for this client at the provider, or request less";
    log("warn", "provider granted less scope than requested", { provider: name, missing: shown, cure });
  };
}
