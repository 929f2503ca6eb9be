// {{attributes.NAME}} is allowed in every template, if nextauth and a serverid are configured.

import { describe, expect, it } from "vitest";
import { callNamesNeeded } from "../../src/oauth/template-names.ts";
import { configOf, withProviderKeys } from "./file.ts";
import { reports } from "./reports.ts";

const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }\n";
const WITH_DEFAULT = NEXTAUTH.replace(" } }", " }, serverid: a }");
const SIGNING = "signing: { issuer: https://p.example, keys: [{ kid: k, alg: ES256, private_key: { env: K } }] }\n";
const MAIL = "{{attributes.mail}}";

/** A provider with further keys from line 11. */
const provider = (...lines: string[]) => withProviderKeys(...lines);

describe("attributes", () => {
  it.each([
    ["params", [`params: { m: "${MAIL}" }`]],
    ["a list of params", [`params: { m: [x, "a ${MAIL} b"] }`]],
    ["headers", [`headers: { X-Mail: "${MAIL}" }`]],
    ["scope", [`scope: "openid ${MAIL}"`]],
    ["a JWT's claims", [`jwt: { user: { claims: { m: { n: ["${MAIL}"] } } } }`, 'params: { a: "{{jwt.user}}" }']],
    ["a JWT's header", [`jwt: { user: { header: { m: "${MAIL}" } } }`, 'params: { a: "{{jwt.user}}" }']],
    ["the subject that is expected", [`expect_subject: { member: m, equals: "${MAIL}" }`]],
  ])("are allowed in %s", (_, lines) => {
    const { providers } = configOf(provider(...lines) + SIGNING + WITH_DEFAULT);
    expect(callNamesNeeded(providers.main as NonNullable<typeof providers.main>)).toContain("attributes.mail");
  });

  it.each(["mail", "full-name", "a.b", "_x", "constructor"])("can have the name %s", (name) => {
    expect(configOf(provider(`params: { m: "{{attributes.${name}}}" }`) + WITH_DEFAULT)).toBeDefined();
  });

  it("need a serverid from the call or the file, but no session check", () => {
    const trusting = "get_token: { session: trust }\n";
    expect(configOf(provider(`params: { m: "${MAIL}" }`) + NEXTAUTH + trusting)).toBeDefined();
    const without = "get_token: { session: trust, values: { userid: [body:/u], nonce: [body:/n] } }\n";
    expect(configOf(provider(`params: { m: "${MAIL}" }`) + WITH_DEFAULT + without)).toBeDefined();
  });

  it("can be used by the provider of the webNonce exchange", () => {
    const text = `${provider(`params: { m: "${MAIL}" }`) + WITH_DEFAULT}webnonce_exchange: {}\n`;
    expect(configOf(text).webnonce_exchange).toBeDefined();
  });
});

describe("attributes without a nextAuth Server or a serverid", () => {
  const NEEDS = `uses ${MAIL}, which needs "nextauth", the server that knows the attributes`;
  const without = "get_token: { session: trust, values: { userid: [body:/u], nonce: [body:/n] } }\n";
  const NAME = "…";
  reports([
    [provider(`params: { m: "${MAIL}" }`), `11:18 "providers.main.params.m" ${NEEDS}`],
    [provider(`params: { m: [x, "${MAIL}"] }`), `11:22 "providers.main.params.m[1]" ${NEEDS}`],
    [provider(`headers: { X-M: "${MAIL}" }`), `11:21 "providers.main.headers.X-M" ${NEEDS}`],
    [provider(`scope: "${MAIL}"`), `11:12 "providers.main.scope" ${NEEDS}`],
    [
      provider(`jwt: { user: { claims: { m: "${MAIL}" } } }`, 'params: { a: "{{jwt.user}}" }') + SIGNING,
      `11:33 "providers.main.jwt.user.claims.m" ${NEEDS}`,
    ],
    [
      provider(`params: { m: "${MAIL}" }`) + NEXTAUTH + without,
      `11:18 "providers.main.params.m" uses ${MAIL}, which needs a serverid; add it to "get_token.values" or set "nextauth.serverid"`,
    ],
    [provider('params: { m: "{{attributes.}}" }') + WITH_DEFAULT, `11:18 "providers.main.params.m" ${NAME}`],
    [provider('params: { m: "{{attributes.a b}}" }') + WITH_DEFAULT, `11:18 "providers.main.params.m" ${NAME}`],
    [
      provider('params: { m: "{{attributes}}" }') + WITH_DEFAULT,
      '11:18 "providers.main.params.m" uses {{attributes}}, which no call provides; add it to "get_token.values"',
    ],
    [
      provider('params: { m: "{{attribute.mail}}" }') + WITH_DEFAULT,
      '11:18 "providers.main.params.m" uses {{attribute.mail}}, which no call provides; add it to "get_token.values"',
    ],
    // A faulty server is reported, but not as missing.
    [`${provider(`params: { m: "${MAIL}" }`)}nextauth: { apikey: { env: N } }\n`, '12:11 "nextauth.url" is missing'],
  ]);
});

describe("names that the session check provides", () => {
  const binding = (session: string) =>
    `get_token: { session: ${session}, values: { userid: [body:/u], nonce: [body:/n] } }\n`;
  const text = provider('params: { a: "{{accountid}} {{serverid}}" }');
  const LACKS = 'which no call provides; add it to "get_token.values"';
  reports([
    [text + binding("verify") + WITH_DEFAULT],
    [
      text + binding("trust"),
      `11:18 "providers.main.params.a" uses {{accountid}}, ${LACKS}`,
      `11:18 "providers.main.params.a" uses {{serverid}}, ${LACKS}`,
    ],
    [
      text + binding("trust").replace("session: trust, ", ""),
      `11:18 "providers.main.params.a" uses {{accountid}}, ${LACKS}`,
      `11:18 "providers.main.params.a" uses {{serverid}}, ${LACKS}`,
    ],
    [
      text + binding("trust") + NEXTAUTH,
      `11:18 "providers.main.params.a" uses {{accountid}}, ${LACKS}`,
      `11:18 "providers.main.params.a" uses {{serverid}}, ${LACKS}`,
    ],
    [text + binding("trust") + WITH_DEFAULT, `11:18 "providers.main.params.a" uses {{accountid}}, ${LACKS}`],
  ]);
});
