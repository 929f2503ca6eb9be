// Checks what was granted: a 200 does not prove for whom, or for what (authentik, Janssen).

import { base64url } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import { membersAsWritten, readJsonObject } from "../core/json.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { Values } from "../core/values.ts";
import type { ProviderSettings } from "./provider-settings.ts";
import { compileTemplate } from "./template.ts";

type Expected = "expect_subject" | "expect_audience" | "expect_scope" | "expect_max_lifetime" | "forbid_members";
export type Expectations = Pick<ProviderSettings, Expected | "scope" | "answer">;

const WRONG = {
  expect_subject: ["provider_wrong_subject", "another user"],
  expect_audience: ["provider_wrong_audience", "another audience"],
  expect_scope: ["provider_wrong_scope", "less scope"],
  expect_max_lifetime: ["provider_wrong_lifetime", "a longer or unknown lifetime"],
} as const;

/** `requested` is the scope of the request, with its templates filled in. */
type Check = readonly [keyof typeof WRONG, matches: (answer: Reader, requested: () => string) => boolean];

/**
 * Signatures are not verified: the token came over the provider's TLS connection.
 * @returns a function for the values of a call, which throws call_invalid; it returns one for an
 * answer that would be relayed, which throws `provider_wrong_…` or provider_forbidden_member
 */
export function compileExpectations(settings: Expectations, name: string, deps: { clock: Clock; log: Log }) {
  const { expect_audience, expect_scope = "", expect_max_lifetime = 0, forbid_members, scope, answer } = settings;
  const key = `providers.${name}`;
  const member = answer.require[0] ?? "";
  const subject = settings.expect_subject && compileSubject(settings.expect_subject, `${key}.expect_subject`);
  const warnOfScope = scope === undefined ? undefined : createScopeWatch(scope, name, deps);
  const checks: Check[] = [
    ["expect_audience", (answer) => audiencesOf(answer, member).includes(expect_audience)],
    ["expect_scope", (answer, requested) => missingWords(expect_scope, scopeOf(answer) ?? requested()).length === 0],
    [
      "expect_max_lifetime",
      // 0 and -1 can mean that the token never ends.
      (answer) => lifetimesOf(answer, member, deps.clock).every((ms) => ms > 0 && ms <= expect_max_lifetime),
    ],
  ];
  const written = checks.filter(([setting]) => settings[setting] !== undefined);

  return (values: Values) => {
    const all = subject === undefined ? written : [subject(values), ...written];
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
      const text = isToken && all.length > 0 ? new TextDecoder().decode(body) : "";
      for (const [setting, matches] of isToken ? all : []) {
        const [code, wrong] = WRONG[setting];
        const fault = (what: string) => new TokenProxyError(code, `the provider "${key}" sent ${what}`);
        const answer = createReader(text, `${key}.${setting}`, fault);
        if (!matches(answer, requested)) throw fault(`a token of ${wrong} than "${key}.${setting}" expects`);
      }
      if (isToken && typeof members.scope === "string") warnOfScope?.(members.scope);
    };
  };
}

function compileSubject({ member, claim, equals, compare }: NonNullable<Expectations["expect_subject"]>, key: string) {
  const expected = compileTemplate(equals, { key });
  // Beyond ASCII, two users could have one name in lower case: the Kelvin sign becomes a k.
  const fold = (text: string | undefined) =>
    compare === "ascii_case_insensitive" ? text?.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
  return (values: Values): Check => {
    const wanted = fold(expected(values));
    const textIn = ({ textOf, claimsIn }: Reader) =>
      claim === undefined ? textOf(member) : textOf(claim, claimsIn(member));
    return ["expect_subject", (answer) => fold(textIn(answer)) === wanted];
  };
}

const audiencesOf = ({ written, claimsIn }: Reader, member: string): unknown[] =>
  [JSON.parse(written("aud", claimsIn(member)) ?? "null")].flat();

/** Undefined if it is absent, which means the requested one (RFC 6749 section 5.1). */
const scopeOf = ({ written, textOf }: Reader) => (written("scope") === undefined ? undefined : (textOf("scope") ?? ""));

/** In milliseconds; NaN if unknown. Apps follow expires_in, and resource servers the JWT. */
function lifetimesOf({ written, textOf }: Reader, member: string, clock: Clock): number[] {
  const secondsOf = (name: string, json?: string) =>
    written(name, json) === undefined ? undefined : Number(textOf(name, json) || Number.NaN);
  const claims = claimsOf(textOf(member)) ?? "{}";
  const exp = secondsOf("exp", claims);
  // By the provider's clock, if it says when it issued the token.
  const ofJwt = exp && exp - (secondsOf("iat", claims) ?? clock.now() / 1_000);
  const stated = [secondsOf("expires_in"), ofJwt].filter((seconds) => seconds !== undefined);
  return stated.length === 0 ? [Number.NaN] : stated.map((seconds) => seconds * 1_000);
}

type Reader = ReturnType<typeof createReader>;

/** Reads members of an answer, or of claims. @param fault makes an error about the answer */
function createReader(answer: string, setting: string, fault: (what: string) => TokenProxyError) {
  /** Readers differ in which of two members of one name they use. */
  function written(name: string, json = answer): string | undefined {
    const [found, ...more] = membersAsWritten(json, name);
    if (more.length > 0) throw fault(`"${name}" twice, so "${setting}" cannot tell which one counts`);
    return found;
  }

  /** As written, because numbers beyond 2^53 would be rounded. Nothing else names a user. */
  function textOf(name: string, json = answer): string | undefined {
    const found = written(name, json);
    if (found?.startsWith('"')) return JSON.parse(found) as string;
    return found !== undefined && /^[-\d]/.test(found) ? found : undefined;
  }

  function claimsIn(member: string): string {
    const token = textOf(member);
    const claims = token === undefined ? "{}" : claimsOf(token);
    if (claims !== undefined) return claims;
    throw fault(`an opaque token as "${member}", which "${setting}" cannot read; name a member that is a signed JWT`);
  }

  return { written, textOf, claimsIn };
}

/** @returns the text of a signed JWT's claims; undefined for an opaque or encrypted token */
function claimsOf(token = ""): string | undefined {
  const part = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(token)?.[1];
  const bytes = part !== undefined && part.length % 4 !== 1 ? base64url.decode(part) : undefined;
  return bytes && readJsonObject(bytes) && new TextDecoder().decode(bytes);
}

function missingWords(wanted: string, granted: string): string[] {
  const found = granted.split(" ");
  return wanted.split(" ").filter((word) => word !== "" && !found.includes(word));
}

const WARN_EVERY_MS = 60_000;

/** Warns of less scope than requested: the token works, but not for everything. */
function createScopeWatch(inFile: string, name: string, { clock, log }: { clock: Clock; log: Log }) {
  // A word with a template may name a user.
  const literal = inFile.replaceAll(/\S*\{\{.*?\}\}\S*/g, "");
  let nextWarning = 0;
  return (granted: string): void => {
    const missing = missingWords(literal, granted).join(" ");
    if (missing === "" || clock.elapsed() < nextWarning) return;
    nextWarning = clock.elapsed() + WARN_EVERY_MS;
    const cure = "allow it for this client at the provider, or request less";
    log("warn", "provider granted less scope than requested", { provider: name, missing, cure });
  };
}
