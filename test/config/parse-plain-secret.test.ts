// A secret in the file is refused, and no message repeats it.

import { describe, expect, it } from "vitest";
import { FILE, faultsOf, replacing } from "./file.ts";

/** Not a word of any message. */
const CANARY = "Zq7xWv4kPj";

const PLACES = {
  "a client's secret": (text: string) => replacing("{ env: CLIENT_SECRET }", text),
  "an API key": (text: string) => replacing("{ env: APIKEY }", text),
  "all API keys": (text: string) => replacing("[{ env: APIKEY }]", text),
};

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
];

/** Secrets that start with a YAML indicator; the messages of the parser quote them. */
const WAYS_WITH_AN_INDICATOR = [
  `!${CANARY}`,
  `!!${CANARY} x`,
  `!${CANARY} x`,
  `!<${CANARY}> x`,
  `!e!${CANARY} x`,
  `!${CANARY}!x y`,
  `|${CANARY}`,
  `>${CANARY}`,
  `> ${CANARY}`,
];

describe.each(Object.entries(PLACES))("%s in plain text", (_, placed) => {
  it.each(WAYS)("is refused and not repeated: %s", (way) => {
    const text = placed(way);
    expect(text).toContain(CANARY);
    const message = faultsOf(text).join("\n");
    expect(message).toMatch(/^f\.yaml:\d+:\d+ /);
    expect(message).not.toContain(CANARY);
  });
});

it.each(WAYS_WITH_AN_INDICATOR)("a secret that looks like YAML syntax is refused and not repeated: %s", (way) => {
  const message = faultsOf(replacing("{ env: CLIENT_SECRET }", way)).join("\n");
  expect(message).toMatch(/^f\.yaml:\d+:\d+ /);
  expect(message).not.toContain(CANARY);
});

it.each([
  ["after the file's mapping", `${FILE}}${CANARY}\n`],
  ["as a directive", `%${CANARY} x\n---\n${FILE}`],
  ["in the user part of a URL", replacing("https://idp", `https://proxy:${CANARY}@idp`)],
  ["in an invalid URL", replacing("https://idp.example", CANARY)],
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
  const message = faultsOf(text).join("\n");
  expect(message).toMatch(/^f\.yaml:\d+:\d+ /);
  expect(message).not.toContain(CANARY);
});

it("a wrong reference to a secret is reported", () => {
  for (const reference of [
    "{ env: 1ST }",
    "{ env: A-B }",
    '{ env: "" }',
    '{ file: "" }',
    "{ env: A, file: b }",
    "{}",
  ]) {
    const faults = faultsOf(replacing("{ env: CLIENT_SECRET }", reference));
    expect(faults, reference).toHaveLength(1);
    expect(faults[0], reference).toMatch(/^f\.yaml:9:\d+ "providers\.main\.client_secret[.a-z]*" must /);
  }
});
