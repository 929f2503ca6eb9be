// glewlwyd: the password grant. It answers most errors with a status and an empty body.

import { beforeAll, describe, expect, it } from "vitest";
import { type Case, testCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers, manyUsers } from "../specs.ts";
import { administer, CLIENT_SECRET, GLEWLWYD, PASSWORD } from "./glewlwyd.ts";

const installed = await install(GLEWLWYD);
const EXAMPLE = "glewlwyd.yaml";
const SECRETS = {
  CLIENT_SECRET,
  TECHNICAL_PASSWORD: PASSWORD,
  NEW_SECRET: "the next one",
  WRONG_SECRET: "a wrong one",
};

const CASES: readonly Case[] = [
  { name: "client_secret_basic_raw", expected: "token" },
  {
    name: "client_secret_post",
    provider: { client_id: "post", token_endpoint_auth_method: "client_secret_post" },
    expected: "token",
  },
  // It says nothing about the reason, so that nobody can tell a refusal from a fault of the set-up.
  { name: "an unknown user", userid: "nobody", expected: "provider_rejected_proxy" },
  { name: "a disabled user", userid: "disabled", expected: "provider_rejected_proxy" },
  ...Object.entries({
    "a wrong secret": { client_secret: { env: "WRONG_SECRET" } },
    "an unknown client": { client_id: "nobody" },
    "a scope that the user has not": { scope: "nonsense" },
    "a grant that does not exist": { grant_type: "urn:bank.example:grant-type:nonsense" },
    "form-encoded credentials": { token_endpoint_auth_method: "client_secret_basic" },
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  {
    name: "a wrong token endpoint",
    provider: { issuer: null, token_endpoint: "https://sso.bank.example/api/oidc/tokens" },
    expected: "provider_wrong_endpoint",
  },
];

describe.skipIf(installed === undefined)(`${GLEWLWYD.name} ${GLEWLWYD.version}`, () => {
  const proxy = useProxy(SECRETS);
  const server = useServer(GLEWLWYD, installed, proxy);
  let admin: Awaited<ReturnType<typeof administer>>;
  beforeAll(async () => {
    proxy().hosts["https://sso.bank.example"] = server().url;
    admin = await administer(server());
    await admin.setUp(["alice", "disabled", ...manyUsers]);
    await admin.createClient("token-proxy", "client_secret_basic");
    await admin.createClient("post", "client_secret_post");
    await admin.disableUser("disabled");
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ client_id: "token-proxy", scope: "accounts" });
  });

  it("gives each of many users their own token", async () => {
    const users = new Map<unknown, string>(); // its sub is an internal id, the same one each time
    for (const userid of manyUsers) users.set(claimsOf(await proxy().call(userid)).sub, userid);
    expect(users.size).toBe(manyUsers.length);
    expect(await callForManyUsers(proxy(), (answer) => users.get(claimsOf(answer).sub))).toEqual([]);
  });

  testCases("of an answer:", proxy, EXAMPLE, CASES);

  it("is unreachable when it is stopped, and gives tokens again when it is back", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    await assertSurvivesOutage(server(), proxy());
  });
});
