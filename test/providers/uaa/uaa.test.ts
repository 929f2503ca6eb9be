// Cloud Foundry UAA: jwt-bearer of a trusted OpenID provider. It answers 401 to users and clients.

import { beforeAll, describe, expect, it } from "vitest";
import { type Case, testCases, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers } from "../specs.ts";
import { uaa } from "./uaa.ts";

const EXAMPLE = "uaa.yaml";
const SECRETS = { UAA_CLIENT_SECRET: "s3cret +/%&", NEW_SECRET: "the next secret", WRONG_SECRET: "not the secret" };

let secret: string = SECRETS.UAA_CLIENT_SECRET;
const client = (changes: object = {}) => ({
  secret,
  "authorized-grant-types": "urn:ietf:params:oauth:grant-type:jwt-bearer",
  scope: "openid",
  authorities: "uaa.none",
  ...changes,
});
const UAA = uaa(() => ({
  "token-proxy": client(),
  "without-grant": client({ "authorized-grant-types": "client_credentials" }),
}));
const installed = await install(UAA);

const claims = (changes: object) => ({ jwt: { user: { claims: changes } } });
const CASES: readonly Case[] = [
  { name: "client_secret_basic_raw", expected: "token" },
  { name: "client_secret_post", provider: { token_endpoint_auth_method: "client_secret_post" }, expected: "token" },
  {
    name: "an unknown kid, at which it does not look",
    provider: { jwt: { user: { header: { kid: "unknown" } } } },
    expected: "token",
  },
  ...Object.entries({
    "a wrong secret": { client_secret: { env: "WRONG_SECRET" } },
    "an unknown client": { client_id: "nobody" },
    "a scope that the client has not": { scope: "nonsense" },
    "a wrong audience": claims({ aud: "https://elsewhere.example" }),
    "an issuer that is not trusted": claims({ iss: "https://elsewhere.example" }),
    "an expired assertion": claims({ exp: 1, iat: 0 }),
    "form-encoded credentials": { token_endpoint_auth_method: "client_secret_basic" },
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
];

describe.skipIf(installed === undefined)(`${UAA.name} ${UAA.version}`, () => {
  const proxy = useProxy(SECRETS);
  const server = useServer(UAA, installed, proxy);
  beforeAll(async () => {
    proxy().hosts["https://uaa.bank.example"] = server().url;
    await proxy().key("2026-11", "RS256");
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ user_name: "alice", client_id: "token-proxy" });
  });

  it("gives each of many users their own token", async () => {
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).user_name)).toEqual([]);
  });

  testCases("of an answer:", proxy, EXAMPLE, CASES);

  it("is unreachable when it is stopped; when it is back with a new secret, the proxy uses that", async () => {
    const client_secret = [{ env: "UAA_CLIENT_SECRET" }, { env: "NEW_SECRET" }];
    const file = withCases(proxy().file(EXAMPLE), [{ name: "", provider: { client_secret }, expected: "token" }]);
    await proxy().start({ ...file, routes: [{ provider: "case_0" }] });
    await assertSurvivesOutage(server(), proxy(), () => {
      secret = SECRETS.NEW_SECRET;
    });
  });
});
