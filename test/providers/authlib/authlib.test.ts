// Authlib: jwt-bearer of a trusted issuer, and the password grant with client authentication.

import { beforeAll, describe, expect, it } from "vitest";
import { assertCase, type Case, testCases, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, type Settings, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers } from "../specs.ts";
import { authlib, CLIENT_SECRET, clientOf, PASSWORD } from "./authlib.ts";

const EXAMPLE = "authlib.yaml";
const KEY_ALGORITHMS = ["ES256", "ES384", "PS256", "RS256"] as const;
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;
const SECRETS = { CLIENT_SECRET, PASSWORD, NEW_SECRET: "the next secret", WRONG_SECRET: "not the secret" };

let basicSecret: string = CLIENT_SECRET;
const AUTHLIB = authlib(() => [
  clientOf("token-proxy", "none"),
  clientOf("basic", "client_secret_basic", basicSecret),
  clientOf("post", "client_secret_post", CLIENT_SECRET),
  clientOf("secret", "client_assertion_jwt", CLIENT_SECRET),
  clientOf("key", "client_assertion_jwt"),
]);
const installed = await install(AUTHLIB);

const claims = (changes: object) => ({ jwt: { user: { claims: changes } } });
/** The password grant, by a client that has to authenticate. */
const password = (client_id: string, token_endpoint_auth_method: string, changes: Settings = {}): Settings => ({
  client_id,
  token_endpoint_auth_method,
  client_secret: { env: "CLIENT_SECRET" },
  client_assertion: token_endpoint_auth_method.endsWith("_jwt") ? { aud: "{{token_endpoint}}" } : null,
  grant_type: "password",
  jwt: null,
  params: { username: "{{userid}}", password: { env: "PASSWORD" } },
  ...changes,
});
const assertion = (alg: string) => ({ client_assertion: { aud: "{{token_endpoint}}", alg } });
const basic = (changes: Settings = {}) => password("basic", "client_secret_basic_raw", changes);

const METHODS: readonly Case[] = [
  ["client_secret_basic_raw", basic()],
  ["client_secret_post", password("post", "client_secret_post")],
  ...SECRET_ALGORITHMS.map((alg) => [alg, password("secret", "client_secret_jwt", assertion(alg))] as const),
  ...KEY_ALGORITHMS.map(
    (alg) => [alg, password("key", "private_key_jwt", { client_secret: null, ...assertion(alg) })] as const,
  ),
].map(([name, provider]) => ({ name, provider, expected: "token" }) as Case);

const CASES: readonly Case[] = [
  { name: "a known user gets a token", expected: "token" },
  { name: "an unknown user is refused", userid: "nobody", expected: "refused" },
  {
    name: "an unknown user of the password grant is refused, if the file says how Authlib says so",
    provider: basic({ user_errors: [{ error: "invalid_request", description: ['Invalid "username"*'] }] }),
    userid: "nobody",
    expected: "refused",
  },
  ...Object.entries({
    "a wrong secret": basic({ client_secret: { env: "WRONG_SECRET" } }),
    "an unknown client": basic({ client_id: "nobody" }),
    "a client without the grant": basic({ client_id: "token-proxy" }),
    "a grant that does not exist": { grant_type: "urn:bank.example:grant-type:nonsense", jwt: null },
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  ...Object.entries({
    "a wrong audience": claims({ aud: "https://elsewhere.example" }),
    "an expired assertion": claims({ exp: 1, iat: 0 }),
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  {
    name: "a wrong token endpoint",
    provider: {
      issuer: null,
      discovery: null,
      token_endpoint: "https://as.bank.example/oauth/token",
      ...claims({ aud: "x" }),
    },
    expected: "provider_wrong_endpoint",
  },
];

describe.skipIf(installed === undefined)(`${AUTHLIB.name} ${AUTHLIB.version}`, () => {
  const proxy = useProxy(SECRETS);
  const server = useServer(AUTHLIB, installed, proxy);
  beforeAll(async () => {
    proxy().hosts["https://as.bank.example"] = server().url;
    await proxy().key("2026-11", "ES256");
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ sub: "alice", scope: "accounts" });
  });

  it("gives each of many users their own token", async () => {
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).sub)).toEqual([]);
  });

  it("accepts each of its client authentication methods", async () => {
    const others = await Promise.all(KEY_ALGORITHMS.slice(1).map((alg) => proxy().key(`client-${alg}`, alg)));
    const file = proxy().file(EXAMPLE);
    const keys = [...(file.signing?.keys ?? []), ...others.map(({ entry }) => entry)];
    await proxy().start(withCases({ ...file, signing: { issuer: proxy().issuer, keys } }, METHODS));
    for (const [index, each] of METHODS.entries()) await assertCase(proxy(), each, index);
  });

  testCases("of an answer:", proxy, EXAMPLE, CASES);

  it("takes a new key of ours at once", async () => {
    const { entry } = await proxy().key("next", "ES256");
    await proxy().start({ ...proxy().file(EXAMPLE), signing: { issuer: proxy().issuer, keys: [entry] } });
    expect((await proxy().call()).status).toBe(200);
  });

  it("is unreachable when it is stopped; when it is back with a new secret, the proxy uses that", async () => {
    const client_secret = [{ env: "CLIENT_SECRET" }, { env: "NEW_SECRET" }];
    const rotating: Case = { name: "", provider: basic({ client_secret }), expected: "token" };
    await proxy().start({ ...withCases(proxy().file(EXAMPLE), [rotating]), routes: [{ provider: "case_0" }] });
    await assertSurvivesOutage(server(), proxy(), () => {
      basicSecret = SECRETS.NEW_SECRET;
    });
  });
});
