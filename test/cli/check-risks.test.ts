// Risks of files that work: `check` warns of each, ends with status 0, and the file can accept it.

import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { makeAuthority } from "../support/keys.ts";
import { useCheck } from "./use-check.ts";

const { folder, ...checked } = useCheck();
const ENDPOINT = "https://idp.invalid/token";
const NEXTAUTH = { apikey: { env: "APIKEY" }, serverid: "a" };
const { certificate, private_key } = await (await makeAuthority()).issue("127.0.0.1", { ips: ["127.0.0.1"] });
const TLS = { certificate: { env: "CERTIFICATE" }, private_key: { env: "PRIVATE_KEY" } };

interface Changes {
  provider?: object;
  file?: object;
}

/** A file without risks, and without anything that `check` asks. */
const without = ({ provider = {}, file = {} }: Changes): object =>
  fileConfig(ENDPOINT, {
    provider: { params: { userid: "{{userid}}" }, expect_subject: "user", ...provider },
    file: { get_token: { timeout: "8s" }, nextauth: undefined, check: { accept: ["session_trust"] }, ...file },
  });

const check = (file: object, ...args: string[]) =>
  checked.check(file, args, { CERTIFICATE: certificate, PRIVATE_KEY: private_key });

async function risksOf(changes: Changes) {
  const { status, out } = await check(without(changes), "--json");
  const { succeeded, findings } = JSON.parse(out);
  const risks = (findings as { risk?: string; level: string; subject: string; advice: string[] }[]).filter(
    ({ risk }) => risk !== undefined,
  );
  expect([status, succeeded]).toEqual([0, true]);
  expect(risks.every(({ level }) => level === "warning")).toBe(true);
  return risks.map(({ risk, subject, advice }) => [risk, subject, ...advice]);
}

const JWT = { token_endpoint_auth_method: "client_secret_jwt" };
const MAIN = "providers.main";

it("a file without risks has none", async () => {
  expect(await risksOf({})).toEqual([]);
});

it.each<[string, Changes, string, string, RegExp]>([
  ["session: trust", { file: { check: {} } }, "session_trust", "get_token", /session: verify/],
  ["no expect_subject", { provider: { expect_subject: undefined } }, "unchecked_user", MAIN, /access_token\.sub$/],
  [
    "no expect_subject, where the kind knows the claim and the token is another member",
    { provider: { expect_subject: undefined, kind: "keycloak", answer: { require: ["id_token"] } } },
    ...(["unchecked_user", MAIN, /id_token\.preferred_username$/] as const),
  ],
  [
    "client_credentials without a value of the call, although the answer is checked",
    { provider: { grant_type: "client_credentials", params: {} } },
    ...(["same_token", MAIN, /send \{\{userid\}\}/] as const),
  ],
  [
    "client_credentials without a value of the call",
    { provider: { grant_type: "client_credentials", params: {}, expect_subject: undefined } },
    ...(["same_token", MAIN, /send \{\{userid\}\}/] as const),
  ],
  [
    "an admin port on every network",
    { file: { server: { admin: "0.0.0.0:9090" } } },
    ...(["admin_exposed", "server.admin", /one network/] as const),
  ],
  [
    "an admin port on every network, in short",
    { file: { server: { admin: "0:9090" } } },
    ...(["admin_exposed", "server.admin", /one network/] as const),
  ],
  [
    "an admin port on every network, over IPv6",
    { file: { server: { admin: "[::]:9090" } } },
    ...(["admin_exposed", "server.admin", /one network/] as const),
  ],
  [
    "a public address without TLS",
    { file: { server: { listen: "192.0.2.1:8080" } } },
    ...(["no_tls", "server.listen", /server\.tls/] as const),
  ],
  [
    "a timeout of a call over 30 s",
    { file: { get_token: { timeout: "31s" } } },
    ...(["long_timeout", "get_token", /30s/] as const),
  ],
  ["a timeout of a provider over 30 s", { provider: { timeout: "31s" } }, "long_timeout", MAIN, /30s/],
  [
    "an assertion for the token endpoint",
    { provider: { ...JWT, client_assertion: { aud: "{{token_endpoint}}" } } },
    ...(["assertion_aud", MAIN, /\{\{issuer\}\}/] as const),
  ],
])("warns of %s", async (_, changes, risk, subject, advice) => {
  const found = await risksOf(changes);
  expect(found.filter(([name]) => name === risk)).toEqual([[risk, subject, expect.stringMatching(advice)]]);
  const accepting = { ...changes.file, check: { accept: ["session_trust", risk] } };
  expect((await risksOf({ ...changes, file: accepting })).filter(([name]) => name === risk)).toEqual([]);
});

describe("does not warn of", () => {
  it.each<[string, Changes]>([
    [
      "expectations of a token that is not JSON",
      { provider: { expect_subject: undefined, answer: { format: "any" } } },
    ],
    ["an address of one network", { file: { server: { admin: "10.0.0.1:9090" } } }],
    ["a public address with TLS", { file: { server: { listen: "192.0.2.1:8080", tls: TLS } } }],
    ["a timeout of 30 s", { provider: { timeout: "30s" }, file: { get_token: { timeout: "30s" } } }],
    ["an assertion for the issuer", { provider: { ...JWT, issuer: "https://idp.invalid" } }],
    [
      "an assertion for the token endpoint of a kind that needs it",
      { provider: { ...JWT, kind: "hydra", client_assertion: { aud: "{{token_endpoint}}" } } },
    ],
    [
      "an assertion for the token endpoint of a provider that needs it",
      {
        provider: {
          ...{ ...JWT, token_endpoint: "https://bank.okta.com/oauth2/v1/token" },
          client_assertion: { aud: "{{token_endpoint}}" },
        },
      },
    ],
  ])("%s", async (_, changes) => {
    expect(await risksOf(changes)).toEqual([]);
  });

  it("a request whose user is in the token of another provider", async () => {
    const { providers } = without({}) as { providers: { main: object } };
    const chained = {
      ...providers.main,
      params: { of: "{{token.main}}" },
      expect_subject: { member: "user", equals: "x" },
    };
    const routes = [{ provider: "chained" }];
    expect(await risksOf({ file: { providers: { ...providers, chained }, routes } })).toEqual([]);
  });

  it("a provider that no route names", async () => {
    const { providers } = without({}) as { providers: { main: object } };
    const unused = { ...providers.main, params: {}, expect_subject: undefined };
    const routes = [{ provider: "main" }];
    expect(await risksOf({ file: { providers: { ...providers, unused }, routes } })).toEqual([]);
  });
});

it.each([
  ["client-credentials", "client_credentials"],
  ["token-exchange", "urn:ietf:params:oauth:grant-type:token-exchange"],
  ["urn:ietf:param:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
  ["urn:ietf:params:oauth:grant-type:jwt_bearer", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
])("grant_type %s is probably %s", async (grant_type, meant) => {
  expect(await risksOf({ provider: { grant_type } })).toEqual([["grant_type", MAIN, `did you mean "${meant}"?`]]);
});

it.each(["password", "urn:example:user", "urn:ietf:params:oauth:grant-type:uma-ticket", "http://auth.example/otp"])(
  "grant_type %s is not misspelt",
  async (grant_type) => {
    expect(await risksOf({ provider: { grant_type } })).toEqual([]);
  },
);

it("warns of a secret that other users can read, and not of a certificate", async () => {
  const file = (name: string) => ({ file: join(folder, name) });
  const files = { secret: "secret", "certificate.pem": certificate, "key.pem": private_key };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const modes = { secret: 0o644, "certificate.pem": 0o644, "key.pem": 0o640 };
  for (const [name, mode] of Object.entries(modes)) await chmod(join(folder, name), mode);
  const server = { tls: { certificate: file("certificate.pem"), private_key: file("key.pem") } };
  expect(await risksOf({ provider: { client_secret: file("secret") }, file: { server } })).toEqual([
    ["readable_secret", `${MAIN}.client_secret`, expect.stringContaining("chmod o-r")],
  ]);
});

it("warns of an env file that other users can read", async () => {
  await writeFile(join(folder, "e.env"), "A=1\n");
  await chmod(join(folder, "e.env"), 0o644);
  const { out } = await check(without({}), "--env-file", "e.env");
  expect(out).toMatch(/risk +readable_secret: .*: chmod o-r e\.env/);
});

it("prints each risk with its name, its reason and a cure, and how to silence it", async () => {
  const { status, out } = await check(without({ file: { check: {} } }));
  expect(status).toBe(0);
  expect(out).toMatch(
    /^ {2}risk +get_token: session_trust: a stolen credential of a caller .* for any user: add nextauth, and use session: verify$/m,
  );
  expect(out).toMatch(/^risks +change the file, or list them under check\.accept$/m);
  expect((await check(without({}))).out).not.toContain("risk");
});

describe("--json", () => {
  it("prints one document with the findings, for a file that works", async () => {
    const { status, out, err } = await check(without({ file: { nextauth: undefined, check: {} } }), "--json");
    expect([status, err]).toEqual([0, ""]);
    const { succeeded, findings } = JSON.parse(out);
    expect(succeeded).toBe(true);
    expect(findings).toContainEqual({
      level: "ok",
      subject: MAIN,
      message: `token endpoint: ${ENDPOINT} (from the file)`,
      advice: [],
    });
  });

  it("prints what failed, with what to do, and ends with status 1", async () => {
    const nextauth = { ...NEXTAUTH, url: "http://127.0.0.1:1" };
    const token_endpoint = "http://127.0.0.1:1/token";
    const file = without({ provider: { token_endpoint }, file: { nextauth, get_token: {}, check: {} } });
    const { status, out } = await check(file, "--json", "--live", "--userid", "alice");
    const { succeeded, findings } = JSON.parse(out);
    expect([status, succeeded]).toEqual([1, false]);
    const failed = (code: string, subject: string, advice: unknown[]) => ({
      ...{ level: "fault", subject, advice },
      message: expect.stringMatching(`^${code}: `),
    });
    expect(findings.filter(({ level }: { level: string }) => level === "fault")).toEqual([
      failed("session_check_failed", "nextauth", [expect.stringContaining("is the port right (nextauth.url)")]),
      failed("provider_unreachable", "live", [expect.stringContaining("is the port right (token_endpoint)")]),
    ]);
    expect(out).not.toContain(SECRETS.CLIENT_SECRET);
  });

  it("prints the faults of the file with their places, and ends with status 2", async () => {
    const { status, out } = await check(without({ provider: { timeout: 5, colour: "red" } }), "--json");
    expect(status).toBe(2);
    const { succeeded, findings } = JSON.parse(out);
    expect([succeeded, findings.length]).toEqual([false, 2]);
    expect(findings[0]).toEqual({
      ...{ level: "fault", subject: "providers.main.timeout", advice: [] },
      message: expect.stringMatching(/^token-proxy\.yaml:1:\d+ must be a duration/),
    });
  });

  it("finds an audit file that start could not open", async () => {
    const log = { audit: { file: "gone/audit.jsonl" }, identities: "plain" };
    const { status, out } = await check(without({ file: { log } }), "--json");
    const { findings } = JSON.parse(out);
    expect([status, findings]).toEqual([
      1,
      expect.arrayContaining([expect.objectContaining({ level: "fault", subject: "log.audit.file" })]),
    ]);
  });

  it("prints wrong usage, and ends with status 2", async () => {
    const { status, out, err } = await check(without({}), "--json", "--probe");
    expect(status).toBe(2);
    const message = "--userid, --value and --probe need --live: add it";
    expect(JSON.parse(out).findings).toEqual([{ level: "fault", subject: "", message, advice: [] }]);
    expect(err).toBe(`${message}\n`);
  });
});
