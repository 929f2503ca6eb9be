// A secret in the file is refused, and no message repeats it.

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { FILE, faultsOf, replacing, trusting } from "./file.ts";

/** Not a word of any message. */
const CANARY = "Zq7xWv4kPj";

const PLACES = ["{ env: CLIENT_SECRET }", "{ env: APIKEY }", "[{ env: APIKEY }]"];

const WAYS = [
  CANARY,
  `"${CANARY}"`,
  `'${CANARY}'`,
  `[${CANARY}]`,
  `{ ${CANARY} }`,
  `{ ${CANARY}: ${CANARY} }`,
  `{ value: ${CANARY} }`,
  `{ env: A, value: ${CANARY} }`,
  `{ env: [${CANARY}] }`,
  `{ env: "${CANARY} " }`,
  `{ file: { ${CANARY}: 1 } }`,
  `&a ${CANARY}`,
  `"${CANARY}" ${CANARY}`,
  `"${CANARY}`,
  `"\\u00zz${CANARY}"`,
  `@${CANARY}`,
  `%${CANARY}`,
  `\`${CANARY}`,
  `${CANARY}: ${CANARY}: ${CANARY}`,
  `{ env: ${CANARY}`,
  `{ env: A }${CANARY}`,
  `*${CANARY}`,
  `&${CANARY}`,
  `!!str ${CANARY}`,
  // The messages of the YAML parser quote these.
  `!${CANARY}`,
  `!!${CANARY} x`,
  `!${CANARY} x`,
  `!<${CANARY}> x`,
  `!e!${CANARY} x`,
  `!${CANARY}!x y`,
  `|${CANARY}`,
  `>${CANARY}`,
  `> ${CANARY}`,
  `\n        ${CANARY}`,
  `|\n        ${CANARY}`,
  `\n        "${CANARY}`,
  `\n  ${CANARY}`,
];

function expectNoCanary(text: string) {
  expect(text).toContain(CANARY);
  const message = faultsOf(text).join("\n");
  expect(message).toMatch(/^f\.yaml:\d+:\d+ /);
  expect(message).not.toContain(CANARY);
}

/** The error with the lines of the file. */
function detailsOf(text: string): string {
  try {
    parseConfig(trusting(text), "f.yaml");
  } catch (error) {
    if (error instanceof ConfigError) return error.details;
  }
  throw new Error("the file must be refused");
}

describe.each(PLACES)("a secret in place of %s", (place) => {
  it.each(WAYS)("is refused and not repeated: %s", (way) => {
    const text = replacing(place, way);
    expectNoCanary(text);
    expect(detailsOf(text)).not.toContain(CANARY);
  });
});

it.each([
  ["after the file's mapping", `${FILE}}${CANARY}\n`],
  ["as a directive", `%${CANARY} x\n---\n${FILE}`],
  ["in the user part of a URL", replacing("https://idp", `https://proxy:${CANARY}@idp`)],
  ["in an invalid URL", replacing("https://idp.example", CANARY)],
  ["in the user part of a token endpoint", `${FILE}    token_endpoint: https://u:${CANARY}@idp.example/t\n`],
  ["as a provider", `${FILE}  other: ${CANARY}\n`],
  ["as a private key", `${FILE}signing: { keys: [{ kid: a, alg: ES256, private_key: "-----BEGIN\\n${CANARY}" }] }\n`],
  ["as the nextAuth Server's API key", `${FILE}nextauth: { url: https://ns.example, apikey: ${CANARY} }\n`],
  ["among addresses", `${FILE}server: { trusted_proxies: [${CANARY}] }\n`],
  ["as a fingerprint", replacing("apikeys: [{ env: APIKEY }]", `client_certificates: [{ sha256: ${CANARY} }]`)],
  ["as a version", replacing("version: 1", `version: ${CANARY}`)],
  ["as a duration", `${FILE}    timeout: ${CANARY}\n`],
  ["as a list of errors", `${FILE}    user_errors: ${CANARY}\n`],
  ["in a broken template", `${FILE}    params: { secret: "{{${CANARY}" }\n`],
  ["in an invalid template name", `${FILE}    params: { secret: "{{${CANARY} x}}" }\n`],
  ["as a level of the log", `${FILE}log: { level: ${CANARY} }\n`],
  ["as an address", `${FILE}server: { listen: ${CANARY} }\n`],
  ["as a path", `${FILE}get_token: { path: ${CANARY} }\n`],
  ["as a source", `${FILE}get_token: { values: { userid: ["${CANARY}:x"] } }\n`],
  ["as a provider of a route", `${FILE}routes: [{ provider: ${CANARY} }]\n`],
  ["as a reserved parameter", `${FILE}    params: { client_secret: ${CANARY} }\n`],
  ["as a reserved header", `${FILE}    headers: { Authorization: Bearer ${CANARY} }\n`],
])("a value is not repeated %s", (_, text) => {
  expectNoCanary(text);
});
