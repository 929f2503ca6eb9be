// Callers and the listener: API keys, certificates, TLS, trusted proxies.

import { describe, expect, it } from "vitest";
import { configOf, replacing, withKeys } from "./file.ts";
import { reports } from "./reports.ts";

const FINGERPRINT = "0123456789abcdef".repeat(4);
const WITH_COLONS = (FINGERPRINT.match(/../g) ?? []).join(":").toUpperCase();

/** A caller with these keys, from line 4. */
const caller = (...lines: string[]) =>
  replacing("    apikeys: [{ env: APIKEY }]", lines.map((line) => `    ${line}`).join("\n"));
const certificates = (list: string) => caller(`client_certificates: ${list}`);
const callerOf = (text: string) => configOf(text).callers["nextauth-server"];

describe("a caller", () => {
  it.each([
    ["as openssl prints it", `"${WITH_COLONS}"`],
    ["as Cloudflare prints it", FINGERPRINT],
    ["in capitals without colons", FINGERPRINT.toUpperCase()],
  ])("can have a fingerprint %s", (_, written) => {
    expect(callerOf(certificates(`[{ sha256: ${written} }]`))).toEqual({
      apikeys: [],
      client_certificates: [{ sha256: FINGERPRINT }],
    });
  });

  it.each(["ns.bank.example", "NS.Bank.example", "localhost", "_x.a-b.example"])("can have the name %s", (name) => {
    expect(callerOf(certificates(`[{ san_dns: ${name} }]`))?.client_certificates).toEqual([
      { san_dns: name.toLowerCase() },
    ]);
  });

  it("can require a key and one of several certificates", () => {
    const text = caller(
      "apikeys: [{ env: A }, { file: b }]",
      `client_certificates: [{ sha256: ${FINGERPRINT} }, { san_dns: x }]`,
      "serverids: [s]",
    );
    expect(callerOf(text)).toEqual({
      apikeys: [{ env: "A" }, { file: "b" }],
      client_certificates: [{ sha256: FINGERPRINT }, { san_dns: "x" }],
      serverids: ["s"],
    });
  });
});

describe("invalid callers", () => {
  const EITHER = "must be { sha256: FINGERPRINT } with 64 hexadecimal digits, or { san_dns: NAME } without wildcards";
  const DIGITS = "must be 64 hexadecimal digits, with or without colons";
  const NAME = "must be a DNS name without wildcards";
  const NOTHING = "needs apikeys, client_certificates or both; otherwise anyone could call";
  const at = '"callers.nextauth-server';
  const sha256 = (text: string): [string, string] => [
    certificates(`[{ sha256: "${text}" }]`),
    `4:37 ${at}.client_certificates[0].sha256" ${DIGITS}`,
  ];
  const name = (text: string): [string, string] => [
    certificates(`[{ san_dns: "${text}" }]`),
    `4:38 ${at}.client_certificates[0].san_dns" ${NAME}`,
  ];
  reports([
    [caller("serverids: [a]"), `4:5 ${at}" ${NOTHING}`],
    [certificates("[]"), `4:26 ${at}.client_certificates" must have at least one entry`],
    [certificates(`{ sha256: ${FINGERPRINT} }`), `4:26 ${at}.client_certificates" must be a list, such as [a, b]`],
    [certificates("[ns.bank.example]"), `4:27 ${at}.client_certificates[0]" ${EITHER}`],
    [certificates("[{}]"), `4:27 ${at}.client_certificates[0]" ${EITHER}`],
    [certificates("[{ sha1: x }]"), `4:27 ${at}.client_certificates[0]" ${EITHER}`],
    [certificates(`[{ sha256: ${FINGERPRINT}, san_dns: x }]`), `4:27 ${at}.client_certificates[0]" ${EITHER}`],
    [certificates("[{ san_dns: x }, { san_dns: 7 }]"), `4:43 ${at}.client_certificates[1]" ${EITHER}`],
    sha256(""),
    sha256(FINGERPRINT.slice(2)),
    sha256(`${FINGERPRINT}00`),
    sha256(`${FINGERPRINT.slice(1)}g`),
    sha256(WITH_COLONS.slice(3)),
    sha256(`${WITH_COLONS}:`),
    sha256(WITH_COLONS.replaceAll(":", " ")),
    name(""),
    name("*.bank.example"),
    name("ns.bank.example."),
    name(".bank.example"),
    name("ns..example"),
    name("ns bank"),
    name("ns.bank.example, evil.example"),
    name("bücher.example"),
    [
      caller("client_certificate: [{ san_dns: x }]"),
      `4:5 ${at}.client_certificate" unknown key; did you mean "client_certificates"?`,
      `4:5 ${at}" ${NOTHING}`,
    ],
    [
      caller("apikeys: []", "client_certificates: []"),
      `4:14 ${at}.apikeys" must have at least one entry`,
      `5:26 ${at}.client_certificates" must have at least one entry`,
    ],
  ]);
});

/** `server: TEXT` on line 11, where TEXT starts in column 9. */
const server = (text: string) => withKeys(`server: ${text}`);

describe("a listener", () => {
  it("can have TLS and a client_ca", () => {
    const keys = { certificate: { file: "c" }, private_key: { env: "K" } };
    const tls = (text: string) => configOf(server(`{ tls: ${text} }`)).server.tls;
    expect(tls("{ certificate: { file: c }, private_key: { env: K } }")).toEqual(keys);
    expect(tls("{ certificate: { file: c }, private_key: { env: K }, client_ca: { file: a } }")).toEqual({
      ...keys,
      client_ca: { file: "a" },
    });
  });

  it.each(["10.0.0.1", "10.0.0.0/8", "0.0.0.0/0", "::1", "fd00::/8", "2001:db8::7", "::ffff:10.0.0.1"])(
    "can trust %s",
    (proxy) => {
      expect(configOf(server(`{ trusted_proxies: ["${proxy}"] }`)).server.trusted_proxies).toEqual([proxy]);
    },
  );
});

it("reads admin_hosts in lower case", () => {
  const names = configOf(server("{ admin_hosts: [Metrics.Bank.example, proxy] }")).server.admin_hosts;
  expect(names).toEqual(["metrics.bank.example", "proxy"]);
});

describe("an invalid listener", () => {
  const MISSING = "is missing; write { env: NAME } or { file: PATH }";
  const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
  const RANGE = "must be an IP address or a range, like 10.0.0.0/8";
  const tls = (text: string) => server(`{ tls: ${text} }`);
  const proxy = (text: string): [string, string] => [
    server(`{ trusted_proxies: [10.0.0.1, ${text}] }`),
    `11:39 "server.trusted_proxies[1]" ${RANGE}`,
  ];
  reports([
    [tls("{ private_key: { env: K } }"), `11:16 "server.tls.certificate" ${MISSING}`],
    [tls("{ certificate: { env: C } }"), `11:16 "server.tls.private_key" ${MISSING}`],
    [tls("{ certificate: { env: C }, private_key: k.pem }"), `11:56 "server.tls.private_key" ${SECRET}`],
    [
      tls("{ certificate: { env: C }, private_key: { env: K }, client_ca: ca.pem }"),
      `11:79 "server.tls.client_ca" ${SECRET}`,
    ],
    [
      tls("{ certificate: { env: C }, private_key: { env: K }, ca: { env: A } }"),
      '11:68 "server.tls.ca" unknown key; the keys allowed here are certificate, private_key, client_ca',
    ],
    [
      tls("{ certificat: { env: C }, certificate: { env: C }, private_key: { env: K } }"),
      '11:18 "server.tls.certificat" unknown key; did you mean "certificate"?',
    ],
    [server("{ tls: true }"), '11:16 "server.tls" must be a mapping of keys to values'],
    [server("{ trusted_proxies: 10.0.0.1 }"), '11:28 "server.trusted_proxies" must be a list, such as [a, b]'],
    [server("{ trusted_proxie: [] }"), '11:11 "server.trusted_proxie" unknown key; did you mean "trusted_proxies"?'],
    ...["'*.bank.example'", "bank.example:9613", "http://bank.example", "bank.example.", "''"].map(
      (name): [string, string] => [
        server(`{ admin_hosts: [${name}] }`),
        '11:25 "server.admin_hosts[0]" must be a DNS name without wildcards',
      ],
    ),
    [server("{ admin_hosts: bank.example }"), '11:24 "server.admin_hosts" must be a list, such as [a, b]'],
    proxy("localhost"),
    proxy("10.0.0"),
    proxy("010.0.0.1"),
    proxy("10.0.0.1/33"),
    proxy("10.0.0.1:80"),
    proxy('"fd00::/129"'),
    proxy('"fe80::1%eth0"'),
    proxy('"[::1]"'),
    proxy('"*"'),
    proxy('""'),
    proxy("7"),
  ]);
});
