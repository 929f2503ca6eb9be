// Spring Authorization Server, with a grant jwt-bearer as its owner would write it.

import { beforeAll, describe, expect, it } from "vitest";
import { assertCase, type Case, testCases, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, type File, type Settings, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers } from "../specs.ts";
import { type Client, SOURCES, spring } from "./spring.ts";

const KEY_ALGORITHMS = ["ES256", "ES384", "PS256", "RS256"] as const;
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
const EXAMPLE = "spring-authorization-server.yaml";
/** One for each client: Spring wants them unique, HS512 needs 64 bytes, bcrypt takes 72. */
const secretOf = (client: string) => `s3cret +/%:& of ${client} `.padEnd(72, "x");
const variableOf = (client: string) => `SECRET_${client.replaceAll("-", "_")}`;
const SECRET_CLIENTS = [
  "client_secret_basic",
  "client_secret_post",
  "without-grant",
  ...SECRET_ALGORITHMS.map((alg) => `secret-${alg}`),
];
const SECRETS = {
  ...Object.fromEntries(SECRET_CLIENTS.map((client) => [variableOf(client), secretOf(client)])),
  NEW_SECRET: "the next secret",
  WRONG_SECRET: "not the secret",
};

const clients: Record<string, Client> = {};
const SPRING = spring(() => clients);
const installed = await install(SPRING, SOURCES);

const claims = (changes: object) => ({ jwt: { user: { claims: changes } } });
const secret = (method: string, env = variableOf(method), client_id = method): Settings => ({
  client_id,
  token_endpoint_auth_method: method,
  client_key: null,
  client_secret: { env },
});

/** What its answers mean. Its owner's provider says the reason in error_description. */
const CASES: readonly Case[] = [
  { name: "a known user gets a token", expected: "token" },
  { name: "an unknown user is refused", userid: "nobody", expected: "refused" },
  { name: "a disabled user is refused", userid: "disabled", expected: "refused" },
  ...Object.entries({
    "a wrong secret": secret("client_secret_basic", "WRONG_SECRET"),
    "an unknown client": secret("client_secret_basic", "WRONG_SECRET", "nobody"),
    "a client without the grant": secret("client_secret_basic", variableOf("without-grant"), "without-grant"),
    "a scope that the client has not": { scope: "nonsense" },
    "a wrong audience of the assertion": claims({ aud: "https://elsewhere.example" }),
    "a wrong issuer of the assertion": claims({ iss: "https://elsewhere.example" }),
    "a wrong type of the assertion": { jwt: { user: { header: { typ: "at+jwt" } } } },
    "a key that is not published": { jwt: { user: { header: { kid: "unknown" } } } },
    "an expired assertion": claims({ exp: 1, iat: 0 }),
    "a wrong audience of the client assertion": { client_assertion: { aud: "https://elsewhere.example" } },
    "a grant that does not exist": { grant_type: "urn:bank.example:grant-type:nonsense", jwt: null },
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  {
    name: "a wrong token endpoint",
    provider: { issuer: null, token_endpoint: "https://as.bank.example/oauth/token", ...claims({ aud: "x" }) },
    expected: "provider_wrong_endpoint",
  },
];

describe.skipIf(installed === undefined)(`${SPRING.name} ${SPRING.version}`, () => {
  const proxy = useProxy(SECRETS);
  let methods: Case[];
  beforeAll(async () => {
    await proxy().key("2026-11", "ES256");
    clients["token-proxy"] = {
      method: "private_key_jwt",
      jwks: `${proxy().issuer}/.well-known/jwks.json`,
      alg: "ES256",
    };
    for (const method of ["client_secret_basic", "client_secret_post"]) {
      clients[method] = { method, secret: `{noop}${secretOf(method)}` };
    }
    clients["without-grant"] = {
      method: "client_secret_basic",
      secret: `{noop}${secretOf("without-grant")}`,
      grants: ["client_credentials"],
    };
    for (const alg of SECRET_ALGORITHMS) {
      clients[`secret-${alg}`] = { method: "client_secret_jwt", secret: secretOf(`secret-${alg}`), alg };
    }
    const jwks = `${proxy().issuer}/.well-known/jwks.json`;
    for (const alg of KEY_ALGORITHMS) clients[`key-${alg}`] = { method: "private_key_jwt", jwks, alg };
    methods = [
      ...["client_secret_basic", "client_secret_post"].map((name) => ({ name, provider: secret(name) })),
      ...SECRET_ALGORITHMS.map((alg) => ({
        name: alg,
        provider: {
          ...secret("client_secret_jwt", variableOf(`secret-${alg}`), `secret-${alg}`),
          client_assertion: { alg },
        },
      })),
      ...KEY_ALGORITHMS.map((alg) => ({ name: alg, provider: { client_id: `key-${alg}`, client_assertion: { alg } } })),
    ].map((each) => ({ ...each, expected: "token" }));
  });
  const server = useServer(SPRING, installed, proxy);
  beforeAll(() => {
    proxy().hosts["https://as.bank.example"] = server().url;
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ sub: "alice", scope: ["accounts"] });
  });

  it("gives a token with the example of plain RFC 7523 as printed", async () => {
    await proxy().start(proxy().example("rfc7523.yaml"));
    expect(claimsOf(await proxy().call())).toMatchObject({ sub: "alice" });
  });

  it("gives each of many users their own token", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).sub)).toEqual([]);
  });

  it("accepts each of its client authentication methods", async () => {
    const others = await Promise.all(KEY_ALGORITHMS.slice(1).map((alg) => proxy().key(`client-${alg}`, alg)));
    const file = proxy().file(EXAMPLE);
    const keys = [...(file.signing?.keys ?? []), ...others.map(({ entry }) => entry)];
    await proxy().start(withCases({ ...file, signing: { issuer: proxy().issuer, keys } }, methods));
    for (const [index, each] of methods.entries()) await assertCase(proxy(), each, index);
  });

  testCases("of an answer:", proxy, EXAMPLE, CASES);

  it("takes a new key of the same algorithm at once", async () => {
    await proxy().start(await rotated("ES256"));
    expect((await proxy().call()).status).toBe(200);
  });

  it("remembers the algorithms of its first use, so another one needs its restart", async () => {
    await proxy().start(await rotated("PS256"));
    expect((await proxy().call()).json()).toMatchObject({ error_code: "provider_rejected_proxy" });
    await server().stop();
    await server().start();
    await expect.poll(async () => (await proxy().call()).status, { timeout: 30_000 }).toBe(200);
  });

  it("is unreachable when it is stopped; when it is back with a new secret, the proxy uses that", async () => {
    const client_secret = [{ env: variableOf("client_secret_basic") }, { env: "NEW_SECRET" }];
    const rotating = { name: "", provider: { ...secret("client_secret_basic"), client_secret }, expected: "token" };
    const file = withCases(proxy().file(EXAMPLE), [rotating as Case]);
    await proxy().start({ ...file, routes: [{ provider: "case_0" }] });
    await assertSurvivesOutage(server(), proxy(), () => {
      clients.client_secret_basic = { method: "client_secret_basic", secret: `{noop}${SECRETS.NEW_SECRET}` };
    });
  });

  /** The example's file with a new key in the first place, which signs only the assertion. */
  async function rotated(alg: "ES256" | "PS256"): Promise<File> {
    const { entry } = await proxy().key(`next-${alg}`, alg);
    const file = proxy().file(EXAMPLE);
    const keys = [entry, ...(file.signing?.keys ?? []).map((key) => ({ ...key, use: "verify" }))];
    const cases = withCases(file, [{ name: "", provider: secret("client_secret_basic"), expected: "token" }]);
    return { ...cases, routes: [{ provider: "case_0" }], signing: { issuer: proxy().issuer, keys } };
  }
});
