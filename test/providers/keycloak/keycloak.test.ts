// Keycloak, with the examples that we print and the realm file that we ship.

import { beforeAll, describe, expect, it } from "vitest";
import { assertCase, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers, manyUsers } from "../specs.ts";
import { JWT_GRANT_CASES, UNFIT_CLIENTS, UNFIT_USERS } from "./cases.ts";
import { clientAuthenticationMethods, LONG_SECRET } from "./client-authentication.ts";
import { administer, CLIENT_SECRET, certificatesOf, KEYCLOAK, userOf } from "./keycloak.ts";

const installed = await install(KEYCLOAK);
const JWT_GRANT = "keycloak-jwt-grant.yaml";

describe.skipIf(installed === undefined)(`Keycloak ${KEYCLOAK.version}`, () => {
  const proxy = useProxy({ KEYCLOAK_CLIENT_SECRET: CLIENT_SECRET, LONG_SECRET, WRONG_SECRET: "not the secret" });
  const server = useServer(KEYCLOAK, installed, proxy);
  let admin: ReturnType<typeof administer>;
  beforeAll(async () => {
    proxy().hosts["https://sso.bank.example"] = server().url;
    await proxy().key("2026-11", "ES256");
    admin = administer(server());
    await admin.add({ users: [...manyUsers.map(userOf), ...UNFIT_USERS], clients: UNFIT_CLIENTS });
  });

  it("gives a token with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(JWT_GRANT));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({
      preferred_username: "alice",
      azp: "token-proxy",
      aud: "accounts-api",
      scope: expect.stringContaining("accounts"),
    });
  });

  it("gives each of many users their own token", async () => {
    await proxy().start(proxy().example(JWT_GRANT));
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).preferred_username)).toEqual([]);
  });

  it("gives a token on Workers, and its bytes are relayed", async () => {
    await proxy().start(proxy().file(JWT_GRANT), { runtime: "workerd" });
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ preferred_username: "alice", aud: "accounts-api" });
    expect(await callForManyUsers(proxy(), (each) => claimsOf(each).preferred_username)).toEqual([]);
  });

  it("accepts each of its client authentication methods", async () => {
    const { ca, certificate, private_key } = await certificatesOf(server().data);
    const methods = await clientAuthenticationMethods(proxy(), {
      issuer: `https://127.0.0.1:${await server().otherPort("https")}/realms/retail`,
      tls: { ca: { file: ca }, certificate: { file: certificate }, private_key: { file: private_key } },
    });
    await admin.add({ clients: methods.map(({ client }) => client) });
    const cases = methods.map(({ test }) => test);
    await proxy().start(withCases(proxy().file(JWT_GRANT), cases));
    for (const [index, each] of cases.entries()) await assertCase(proxy(), each, index);
  });

  describe("of an answer of its JWT grant:", () => {
    beforeAll(async () => {
      const cases = JSON.parse(proxy().local(JSON.stringify(JWT_GRANT_CASES)));
      await proxy().start(withCases(proxy().file(JWT_GRANT), cases));
    });
    it.each(JWT_GRANT_CASES.map((each, index) => ({ ...each, index })))("$name: $expected", async (each) => {
      await assertCase(proxy(), each, each.index);
    });
  });

  it("is unreachable when it is stopped, and gives tokens again when it is back", async () => {
    await proxy().start(proxy().example(JWT_GRANT));
    await assertSurvivesOutage(server(), proxy());
  });
});
