// mock-oauth2-server: any client, any user, so only the way through the proxy can fail.

import { beforeAll, describe, expect, it } from "vitest";
import { type Case, testCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, type Settings, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers } from "../specs.ts";
import { MOCK } from "./mock.ts";

const installed = await install(MOCK);
const EXAMPLE = "mock-oauth2-server.yaml";
const SECRETS = { CLIENT_SECRET: "any secret at all, if it is long enough for HS256" };

const CASES: readonly Case[] = [
  ...Object.entries({
    client_secret_basic: {},
    client_secret_post: { token_endpoint_auth_method: "client_secret_post" },
    client_secret_jwt: { token_endpoint_auth_method: "client_secret_jwt", client_assertion: { alg: "HS256" } },
    "private_key_jwt with ES256": { token_endpoint_auth_method: "private_key_jwt", client_secret: null },
    "token exchange": { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange" },
  } satisfies Record<string, Settings>).map(([name, provider]): Case => ({ name, provider, expected: "token" })),
  {
    name: "a client assertion that lives too long",
    provider: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      token_endpoint_auth_method: "private_key_jwt",
      client_secret: null,
      client_assertion: { ttl: "10m" },
    },
    expected: "provider_rejected_proxy",
  },
  {
    name: "a grant that does not exist",
    provider: { grant_type: "urn:bank.example:grant-type:nonsense", jwt: null },
    expected: "provider_rejected_proxy",
  },
];

describe.skipIf(installed === undefined)(`${MOCK.name} ${MOCK.version}`, () => {
  const proxy = useProxy(SECRETS);
  const server = useServer(MOCK, installed, proxy);
  beforeAll(async () => {
    proxy().hosts["https://mock.bank.example"] = server().url;
    await proxy().key("2026-11", "ES256");
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ sub: "alice" });
  });

  it("gives each of many users their own token", async () => {
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).sub)).toEqual([]);
  });

  testCases("of an answer:", proxy, EXAMPLE, CASES);

  it("is unreachable when it is stopped, and gives tokens again when it is back", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    await assertSurvivesOutage(server(), proxy());
  });
});
