// Mistakes that users make in a file like our examples: each is one error that says what to do.

import { describe, expect, it } from "vitest";
import { faultsOf, replacing } from "./file.ts";

const FILE = `version: 1

callers:
  nextauth-server:
    apikeys:
      - { env: GETTOKEN_APIKEY }
      - { env: GETTOKEN_APIKEY_NEXT }

get_token:
  session: trust
  timeout: 8s

signing:
  issuer: https://tokens.bank.example
  keys:
    - kid: "2026-11"
      alg: ES256
      private_key: { file: keys/2026-11.pem }

providers:
  keycloak:
    kind: keycloak
    issuer: https://sso.bank.example/realms/retail
    client_id: token-proxy
    client_secret: { env: KEYCLOAK_CLIENT_SECRET }
    grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
    scope: accounts
    params:
      audience: [accounts-api, cards-api]
      resource: "https://api.bank.example"
    jwt:
      user:
        ttl: 60s
    expect_subject: access_token.sub
    timeout: 5s

log:
  level: info
`;

/** The lines from `first` until the next empty line, with this indentation added or removed. */
function indented(first: string, by: number): string {
  return FILE.replace(new RegExp(`(?<=^|\n)${first}.*?(?=\n\n|$)`, "s"), (block) =>
    by > 0 ? block.replaceAll(/^(?=.)/gm, " ".repeat(by)) : block.replaceAll(new RegExp(`^ {${-by}}`, "gm"), ""),
  );
}

const change = (part: string, by: string) => replacing(part, by, FILE);

/** The providers follow the callers, and are as far to the right as these. */
const PROVIDERS = /providers:.*?\n\n/s.exec(FILE)?.[0] ?? "";
const PROVIDERS_BELOW_CALLERS = change(PROVIDERS, "").replace(
  "\nget_token",
  () => `${PROVIDERS.replaceAll(/^(?=.)/gm, "  ")}get_token`,
);

const YAML = "invalid YAML:";
const TAB = "a tab or another blank is used for indentation; use spaces";
const SPACE = "a space is missing before this character";
const QUOTE = "this quote is not closed";
const ODD_QUOTES = 'the quotes around this text are incomplete or curly; use "…"';
const BRACKET = "this bracket is not closed";
const QUOTES = "a text that starts with this character needs quotes";
const TWICE =
  'this key occurs twice in the same mapping; remove one of the two (in a list, start each entry with "- ")';
const INDENTATION =
  'the indentation is wrong here or above; keys of one mapping start in the same column, and so do the "- " of a list';
const COLON = "a text with a colon and a space needs quotes, and a mapping its own line or braces";
const MISPLACED = "this does not belong here; check the quotes, brackets, commas and spaces before it";
const NOT_LIKE_A_KEY = 'this line needs a key and a colon, like "key: value"';
const EMPTY = "is empty; write a value, or indent the lines that belong to it";
const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const CLIENT_SECRET = '"providers.keycloak.client_secret"';
const TOP = "belongs to the top level of the file; remove the spaces before it";

it("the file without a mistake is accepted", () => {
  expect(faultsOf(FILE)).toEqual([]);
});

describe("one mistake is one error", () => {
  it.each([
    // Blanks and colons.
    ["a tab as indentation", change("    scope", "\tscope"), `27:1 ${YAML} ${TAB}`],
    ["no-break spaces as indentation", change("    scope", "\u00a0\u00a0  scope"), `27:1 ${YAML} ${TAB}`],
    ["no space after a colon", change("client_id: ", "client_id:"), `24:15 ${YAML} ${SPACE}`],
    [
      "no space after the colon of an only key",
      change("level: info", "level:info"),
      '38:3 "log" must be a mapping of keys to values; a colon needs a space after it',
    ],
    ["no space after a colon in braces", change("{ env: KEY", "{ env:KEY"), `25:20 ${CLIENT_SECRET} ${SECRET}`],
    [
      "no space after a dash",
      change("- { env: GETTOKEN_APIKEY }", "-{ env: GETTOKEN_APIKEY }"),
      `7:7 ${YAML} ${INDENTATION}`,
    ],
    ["a no-break space after a colon", change("scope: ", "scope:\u00a0"), `27:11 ${YAML} ${SPACE}`],
    ["no colon", change("client_id:", "client_id"), `24:5 ${YAML} ${NOT_LIKE_A_KEY}`],
    ["a colon in a value", change("scope: accounts", "scope: accounts: read"), `27:12 ${YAML} ${COLON}`],

    // Quotes and brackets.
    ["no closing quote", change('bank.example"', "bank.example"), `30:17 ${YAML} ${QUOTE}`],
    ["no closing quote, with more quotes below", change('"2026-11"', '"2026-11'), `16:12 ${YAML} ${QUOTE}`],
    ["no opening quote", change('"https://api', "https://api"), `30:17 ${YAML} ${ODD_QUOTES}`],
    ["curly quotes", change('"https://api.bank.example"', "“https://api.bank.example”"), `30:17 ${YAML} ${ODD_QUOTES}`],
    ["text after a quoted text", change("scope: accounts", 'scope: "accounts" cards'), `27:23 ${YAML} ${MISPLACED}`],
    [
      "a backslash in double quotes",
      change("keys/2026-11.pem", '"C:\\keys\\2026-11.pem"'),
      `18:31 ${YAML} in double quotes, write \\\\ for a backslash`,
    ],
    ["a brace that is not closed", change("CLIENT_SECRET }", "CLIENT_SECRET"), `25:20 ${YAML} ${BRACKET}`],
    ["a bracket that is not closed", change("cards-api]", "cards-api"), `29:17 ${YAML} ${BRACKET}`],
    [
      "no comma in braces",
      change("access_token.sub", "{ member: access_token claim: sub }"),
      `34:31 ${YAML} ${MISPLACED}`,
    ],

    // Values with a meaning in YAML.
    ["% at the start of a value", change("scope: accounts", "scope: %accounts"), `27:12 ${YAML} ${QUOTES}`],
    ["* as a value", change("scope: accounts", "scope: *"), `27:12 ${YAML} ${QUOTES}`],
    [
      "! at the start of a value",
      change("scope: accounts", "scope: !accounts"),
      `27:12 ${YAML} tags ("!…") are not supported; quote a text that starts with "!"`,
    ],
    [
      "& at the start of a value",
      change("scope: accounts", "scope: &accounts"),
      `27:5 "providers.keycloak.scope" ${EMPTY}`,
    ],
    [
      "a template without quotes",
      change("scope: accounts", "scope: {{userid}}"),
      `27:13 ${YAML} a key must be text; quote it, and quote a template: "{{…}}"`,
    ],
    [
      "an anchor that does not exist",
      change("timeout: 5s", "timeout: *default"),
      `35:14 ${YAML} this alias (*) has no anchor (&) before it; quote a text that starts with "*"`,
    ],
    [
      "yes instead of true",
      change("log:", "server:\n  env_proxy: yes\n\nlog:"),
      '38:14 "server.env_proxy" must be true or false',
    ],
    [
      "a number as a duration",
      change("timeout: 5s", "timeout: 5"),
      '35:14 "providers.keycloak.timeout" must be a duration with a unit, like 500ms, 5s or 10m',
    ],
    ["a number as a name", change('"2026-11"', "202611"), '16:12 "signing.keys[0].kid" must be text; put it in quotes'],
    ["a secret in the file", change("{ env: KEYCLOAK_CLIENT_SECRET }", "abc"), `25:20 ${CLIENT_SECRET} ${SECRET}`],

    // Indentation.
    ["a key one space too far to the right", change("    client_id", "     client_id"), `24:6 ${YAML} ${INDENTATION}`],
    ["a key one space too far to the left", change("    client_id", "   client_id"), `24:4 ${YAML} ${INDENTATION}`],
    ["a first key one space too far to the right", change("    kind", "     kind"), `23:5 ${YAML} ${INDENTATION}`],
    ["a provider's keys in its own column", indented("    kind", -2), `21:3 "providers.keycloak" ${EMPTY}`],
    ["signing below get_token", indented("signing", 2), `13:3 "get_token.signing" ${TOP}`],
    ["providers below callers", PROVIDERS_BELOW_CALLERS, `8:3 "callers.providers" ${TOP}`],
    [
      "a provider's key in the provider's column",
      change("    timeout: 5s", "  timeout: 5s"),
      '35:12 "providers.timeout" must be a mapping of keys to values',
    ],

    // Lists and mappings.
    [
      "a list of callers",
      change("  nextauth-server:\n    apikeys", "  - nextauth-server:\n    apikeys"),
      '4:3 "callers" must be a mapping of keys to values, not a list',
    ],
    [
      "no dash before an only entry",
      change("- kid", "  kid"),
      '16:7 "signing.keys" must be a list; start each entry with "- "',
    ],
    [
      "no dash before a second key",
      change("\nproviders", "      kid: b\n      alg: ES256\n\nproviders"),
      `19:7 ${YAML} ${TWICE}`,
    ],
    [
      "a place that is not in a list",
      change("timeout: 8s", "values: { userid: body:/userid }"),
      '11:21 "get_token.values.userid" must be a list of places to look, or { from, type, max_length, pattern, required }',
    ],
    ["a key twice", change("scope: accounts", "client_id: other"), `27:5 ${YAML} ${TWICE}`],

    // Misspelt keys.
    ["provider", change("providers:", "provider:"), '20:1 "provider" unknown key; did you mean "providers"?'],
    [
      "another word",
      change("get_token:", "bindings:"),
      '9:1 "bindings" unknown key; the keys allowed here are version, server, callers, get_token, nextauth, webnonce_exchange, signing, providers, routes, log, check',
    ],
    ["kd", change("- kid:", "- kd:"), '16:7 "signing.keys[0].kd" unknown key; did you mean "kid"?'],

    // The file as a whole.
    ["a missing comma in JSON with tabs", '{\n\t"version": 1\n\t"log": {}\n}\n', `2:13 ${YAML} ${MISPLACED}`],
    [
      "a URN above a wrong indentation",
      change("[accounts-api, cards-api]", "\n        - urn:example:a\n       - b"),
      `31:8 ${YAML} ${INDENTATION}`,
    ],
    ["Windows line ends", change('bank.example"', "bank.example").replaceAll("\n", "\r\n"), `30:17 ${YAML} ${QUOTE}`],
    [
      "a byte order mark",
      `\ufeff${change("version:", "versoin:")}`,
      '1:1 "versoin" unknown key; did you mean "version"?',
    ],
    ["two documents", `${FILE}---\n${FILE}`, `39:1 ${YAML} a second document starts here ("---"); only one is allowed`],
    [
      "a page of HTML",
      "<html><body>Not found</body></html>\n",
      "1:1 the file must be a mapping with version, callers and providers",
    ],
  ])("%s", (_, text, fault) => {
    expect(text).not.toBe(FILE);
    expect(faultsOf(text)).toEqual([`f.yaml:${fault}`]);
  });
});
