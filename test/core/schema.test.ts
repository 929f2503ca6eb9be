// Building blocks of the file: durations, addresses, secrets and names.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, replacing, withKeys } from "../config/file.ts";
import { reportsShape } from "../config/shape.ts";

describe("a duration", () => {
  const delay = (text: string) => withKeys(`server: { shutdown_delay: ${JSON.stringify(text)} }`);

  it.each([
    ["0ms", 0],
    ["007s", 7_000],
    ["10m", 600_000],
    ["24h", 86_400_000],
    ["86400000ms", 86_400_000],
  ])("of %s is %i milliseconds", (text, ms) => {
    expect(configOf(delay(text)).server.shutdown_delay).toBe(ms);
  });

  const INVALID = [
    "",
    "5",
    "s",
    "5 s",
    " 5s",
    "5s\n",
    "5S",
    "-5s",
    "1.5s",
    "1m30s",
    "1d",
    "1e3ms",
    "٥s",
    "1234567890ms",
  ];
  it.each(INVALID)("must not be written %j", (text) => {
    expect(faultsOf(delay(text))).toEqual([
      'f.yaml:11:27 "server.shutdown_delay" must be a duration with a unit, like 500ms, 5s or 10m',
    ]);
  });

  it.each(["25h", "86400001ms"])("must not be as long as %s", (text) => {
    expect(faultsOf(delay(text))).toEqual(['f.yaml:11:27 "server.shutdown_delay" must be between 0s and 24h']);
  });
});

describe("an address", () => {
  const listen = (text: string) => withKeys(`server: { listen: ${JSON.stringify(text)} }`);

  it.each([
    ["0.0.0.0:0", { host: "0.0.0.0", port: 0 }],
    ["[::1]:65535", { host: "::1", port: 65_535 }],
    ["proxy-1.bank.example:443", { host: "proxy-1.bank.example", port: 443 }],
  ])("%s is split into host and port", (text, address) => {
    expect(configOf(listen(text)).server.listen).toEqual(address);
  });

  const INCOMPLETE = ["", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "::1:8080", "[::1]"];
  const MORE = ["127.0.0.1:65536", "http://127.0.0.1:80", "127.0.0.1:80/", "127.0.0.1:80\n", "*:80", "127.0.0.1:-1"];
  it.each([...INCOMPLETE, ...MORE])("must not be written %j", (text) => {
    expect(faultsOf(listen(text))).toEqual([
      'f.yaml:11:19 "server.listen" must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080',
    ]);
  });
});

describe("a reference to a secret", () => {
  const MUST = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
  const SECRET = `9:20 "providers.main.client_secret" ${MUST}`;
  const NAME = '9:27 "providers.main.client_secret.env" must be the name of a variable: letters, digits and _';
  reportsShape(
    (text) => replacing("{ env: CLIENT_SECRET }", text),
    `
{ env: CLIENT_SECRET }
{ file: s.txt }
[{ file: s }, { env: S }]
plain => ${SECRET}
[{ env: S }, plain] => 9:33 "providers.main.client_secret[1]" ${MUST}
{ vlaue: S } => ${SECRET}
{ env: A, file: b } => ${SECRET}
{ env: [A] } => ${SECRET}
{} => ${SECRET}
{ env: 1ST } => ${NAME}
{ env: A-B } => ${NAME}
{ env: "" } => ${NAME}
{ file: "" } => 9:28 "providers.main.client_secret.file" must be the path of a file
[] => 9:20 "providers.main.client_secret" must have at least one entry
`,
  );
});

describe("a name", () => {
  const NAME = "must be a name of up to 64 letters, digits, _ and -, starting with a letter or _";
  const LONG = "n".repeat(65);
  reportsShape(
    (name) => replacing("nextauth-server:", `${name}:`),
    `
next auth => 3:3 "callers.next auth" ${NAME}
ma.in => 3:3 "callers.ma.in" ${NAME}
1st => 3:3 "callers.1st" ${NAME}
${LONG} => 3:3 "callers.${LONG}" ${NAME}
${LONG.slice(1)}
`,
  );
});
