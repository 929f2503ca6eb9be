// The line of a fault is shown with a caret, and never with a value that could be a secret.

import { expect, it } from "vitest";
import { excerptOf as excerptIn } from "../../src/config/excerpt.ts";

const CANARY = "Zq7xWv4kPj";

/** @param column of the caret in the line of the file */
const excerptOf = (line: string, column = 1) => excerptIn(`version: 1\n${line}\n`, 2, column).split("\n");

it.each([
  ["    timeout: 5", 14, "    timeout: …", 14],
  ["  level:info", 9, "  level:…", 9],
  ["\ttimeout: 5", 1, "\ttimeout: …", 1],
  ["  main:", 3, "  main:", 3],
  ["    - kid: one", 12, "    - kid: …", 12],
  ["    scope: accounts: read # two", 12, "    scope: …", 12],
  ['{ "version": 1, "log": { "level": yes } }', 35, '{ "version": …', 14],
  ['    scope: "accounts', 12, '    scope: "…', 12],
  ["  main: { timeout: 5, client_secret: b", 25, "  main: {…", 10],
  ["client_id token-proxy", 1, "client_id…", 1],
  ["\u00a0\u00a0scope: a\u001b[31m", 1, "…", 1],
])("of %j is shown with the caret in its place", (line, column, shown, caret) => {
  expect(excerptOf(line, column)).toEqual([
    `    2 | ${shown}`,
    `      | ${shown.slice(0, caret - 1).replaceAll(/[^\t]/g, " ")}^`,
  ]);
});

it.each([
  `    client_secret: ${CANARY}`,
  `    client_secret = ${CANARY}`,
  `    client_secret: "${CANARY}`,
  `    client_secret: { env: "${CANARY}" }`,
  `    client_secret: { timeout: 5, ${CANARY}: 1 }`,
  `    client_secret: a, timeout: ${CANARY}`,
  `    main: { timeout: 5s client_secret: x, scope: ${CANARY} }`,
  `    main: { timeout: 5s, client_secret = ${CANARY} }`,
  `    timeout: 5s, ${CANARY}`,
  `    apikeys: [{ file: a }, ${CANARY}]`,
  `      - ${CANARY}:${CANARY}`,
  `    ${CANARY}`,
  `    "${CANARY}`,
  `    params: { password: ${CANARY} }`,
  `    issuer: https://user:${CANARY}@sso.bank.example`,
  `    issuer: "https://user:a ${CANARY}@sso.bank.example"`,
  `    token_endpoint: https://sso.bank.example/token?key=${CANARY}`,
  `    proxy: { url: "http://user:${CANARY}@egress.bank.example:3128" }`,
  `    timeout: 5 # ${CANARY}`,
  `-----BEGIN ${CANARY}`,
])("does not show the secret in %j", (line) => {
  const [shown = "", caret = ""] = excerptOf(line, line.length);
  expect(shown).toMatch(/^ {4}2 \| .*…$/);
  expect(shown).not.toContain(CANARY);
  expect(caret.length).toBeLessThanOrEqual(shown.length);
});

it("is left out for an empty line", () => {
  expect(excerptOf("")).toEqual([""]);
});
