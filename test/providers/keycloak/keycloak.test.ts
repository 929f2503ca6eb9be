// Keycloak, with the examples that we print and the realm file that we ship.

import { join } from "node:path";
import { importPKCS8, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKubernetesIssuer, type TokenChanges } from "../../support/kubernetes-issuer.ts";
import type { AuthorizationServer } from "../../support/oidc-provider.ts";
import { assertCase, type Case, testCases, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, type File, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesStop, callForManyUsers, manyUsers } from "../specs.ts";
import { commandsOf, runCommands } from "../steps.ts";
import { GRANTS, JWT_GRANT_CASES, UNFIT_CLIENTS, UNFIT_USERS } from "./cases.ts";
import { HOME_SECRETS, startHome } from "./chained.ts";
import { clientAuthenticationMethods, LONG_SECRET } from "./client-authentication.ts";
import {
  ADMIN,
  administer,
  CLIENT_SECRET,
  certificatesOf,
  clientOf,
  homeOf,
  KCADM_OPTIONS,
  KEYCLOAK,
  stopDatabase,
  userOf,
} from "./keycloak.ts";

const installed = await install(KEYCLOAK);
const JWT_GRANT = "keycloak-jwt-grant.yaml";
/** Each command of kcadm.sh starts a Java program. */
const COMMANDS_TIMEOUT_MS = 1_500_000;
const SECRETS = {
  KEYCLOAK_CLIENT_SECRET: CLIENT_SECRET,
  PARTNER_CLIENT_SECRET: CLIENT_SECRET,
  TECHNICAL_PASSWORD: "the password of all users",
  LONG_SECRET,
  WRONG_SECRET: "not the secret",
};

const realmOf = (example: string) => example.replace(".yaml", "");

describe.skipIf(installed === undefined)(`Keycloak ${KEYCLOAK.version}`, () => {
  const proxy = useProxy(SECRETS);
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

  it("gives a token with the file that the README's commands use", async () => {
    // The key that Keycloak has already read: for a new kid it asks again only after 10 s.
    proxy().hosts["kid: try"] = 'kid: "2026-11"';
    proxy().hosts["http://127.0.0.1:8180"] = server().url;
    proxy().hosts["http://127.0.0.1:8080"] = proxy().issuer;
    proxy().hosts["../../signing-key.pem"] = `${proxy().folder}/2026-11.pem`;
    await proxy().start(proxy().example("../deploy/compose/token-proxy.yaml"));
    expect(claimsOf(await proxy().call())).toMatchObject({ preferred_username: "alice", aud: "accounts-api" });
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

  testCases("of an answer of its JWT grant:", proxy, JWT_GRANT, JWT_GRANT_CASES);

  it("fails no call while the client's secret is changed, and changed back", async () => {
    const first = "the first secret";
    await admin.add({ clients: [clientOf("rotating", { secret: first })] });
    const client_secret = [{ env: "FIRST_SECRET" }, { env: "KEYCLOAK_CLIENT_SECRET" }];
    const rotating: Case = { name: "", provider: { client_id: "rotating", client_secret }, expected: "token" };
    const file = withCases(proxy().file(JWT_GRANT), [rotating]);
    await proxy().start(file, { secrets: { FIRST_SECRET: first } });
    await assertCase(proxy(), rotating, 0);
    let isChanging = true;
    const wrong: string[] = [];
    const callers = Array.from({ length: 10 }, async () => {
      while (isChanging) {
        const answer = await proxy().call(undefined, { serverid: "case_0" });
        if (answer.status !== 200) wrong.push(answer.text);
      }
    });
    const tries = () => proxy().output().split("client credential refused, trying the next").length - 1;
    try {
      for (const [index, secret] of [CLIENT_SECRET, first].entries()) {
        await admin.changeClient("rotating", { secret });
        await expect.poll(tries, { timeout: 60_000 }).toBe(index + 1);
        await assertCase(proxy(), rotating, 0);
      }
    } finally {
      isChanging = false;
      await Promise.all(callers);
    }
    expect(wrong).toEqual([]);
  });

  describe("keys of ours", () => {
    it("are taken when they are new, at the latest after the 10 s for which it does not look again", async () => {
      await proxy().start(withKeys((await proxy().key("next", "ES256")).entry));
      await expect.poll(async () => (await proxy().call()).status, { timeout: 60_000 }).toBe(200);
    });

    it("that are withdrawn count until its key cache is cleared", async () => {
      const { entry, pem } = await proxy().key("withdrawn", "ES256");
      await proxy().start(withKeys(entry));
      await expect.poll(async () => (await proxy().call()).status, { timeout: 60_000 }).toBe(200);
      await proxy().start(withKeys((await proxy().key("kept", "ES256")).entry));
      expect(await statusOfAssertion("withdrawn", pem)).toBe(200);
      await admin.post("clear-keys-cache");
      expect(await statusOfAssertion("withdrawn", pem)).toBe(400);
    });

    function withKeys(...keys: object[]): File {
      return { ...proxy().file(JWT_GRANT), signing: { issuer: proxy().issuer, keys } };
    }

    /** What somebody who stole the key gets, without the proxy. */
    async function statusOfAssertion(kid: string, pem: string): Promise<number> {
      const realm = `${server().url}/realms/retail`;
      const assertion = await new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256", kid })
        .setIssuer(proxy().issuer)
        .setSubject("alice")
        .setAudience(realm)
        .setIssuedAt(Math.floor(Date.now() / 1_000) - 5)
        .setExpirationTime("60s")
        .sign(await importPKCS8(pem, "ES256"));
      const grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
      const client = { client_id: "token-proxy", client_secret: CLIENT_SECRET };
      const body = new URLSearchParams({ grant_type, assertion, ...client });
      return (await fetch(`${realm}/protocol/openid-connect/token`, { method: "POST", body })).status;
    }
  });

  describe.each(GRANTS)("after the commands of $example, in a realm of its own,", ({ example, cases }) => {
    const realm = realmOf(example);
    const local = (text: string) => proxy().local(text).replaceAll("/retail", `/${realm}`);
    const header = async () => ({ "X-User-Token": await userToken(realm) });

    beforeAll(() => createRealm(example), COMMANDS_TIMEOUT_MS);

    it("the example as printed gives a token, and its bytes are relayed", async () => {
      await proxy().start(proxy().example(example).replaceAll("/retail", `/${realm}`));
      const headers = await header();
      const answer = await assertSameBytes(server(), () => proxy().call("alice", { headers }));
      expect(claimsOf(answer)).toMatchObject({ preferred_username: "alice", azp: "token-proxy" });
    });

    it("its answers mean what they should", async () => {
      const localCases = JSON.parse(local(JSON.stringify(cases))) as Case[];
      await proxy().start(withCases(JSON.parse(local(JSON.stringify(proxy().file(example)))), localCases));
      const headers = await header();
      for (const [index, each] of localCases.entries()) {
        await assertCase(proxy(), { ...each, headers: { ...headers, ...each.headers } }, index);
      }
    });
  });

  describe("after the commands of the example with a pod's token, in a realm of its own,", () => {
    const example = "kubernetes-workload-identity.yaml";
    const realm = realmOf(example);
    let issuer: Awaited<ReturnType<typeof startKubernetesIssuer>>;
    const folder = () => join(proxy().folder, "idp");
    const text = () => proxy().example(example).replaceAll("/retail", `/${realm}`);
    beforeAll(async () => {
      issuer = await startKubernetesIssuer(`${server().url}/realms/${realm}`);
      proxy().hosts["https://kubernetes.bank.example"] = issuer.url;
      await createRealm(example);
      await issuer.project(folder(), await issuer.token());
    }, COMMANDS_TIMEOUT_MS);
    afterAll(() => issuer?.close());

    it("the example as printed gives a token, and its bytes are relayed", async () => {
      await proxy().start(text());
      const answer = await assertSameBytes(server(), () => proxy().call());
      expect(claimsOf(answer)).toMatchObject({ preferred_username: "alice", azp: "token-proxy" });
    });

    it("gives a token without a client_id, because the assertion names the client", async () => {
      await proxy().start(text().replace("    client_id: token-proxy\n", ""));
      expect(claimsOf(await proxy().call())).toMatchObject({ azp: "token-proxy" });
    });

    it("gives a token to every call while the file is rotated", async () => {
      await proxy().start(text());
      let calling = true;
      let rotations = 0;
      const rotating = (async () => {
        for (; calling; rotations++) await issuer.project(folder(), await issuer.token());
      })();
      const callers = Array.from({ length: 8 }, async () => {
        const wrong: string[] = [];
        for (let calls = 0; calls < 50; calls++) {
          const answer = await proxy().call();
          if (answer.status !== 200) wrong.push(answer.text);
        }
        return wrong;
      });
      const wrong = (await Promise.all(callers)).flat();
      calling = false;
      await rotating;
      expect(wrong).toEqual([]);
      expect(rotations).toBeGreaterThan(50);
    });

    it.each([
      ["for another audience", { aud: "https://kubernetes.default.svc" }],
      ["for one audience more", { aud: ["https://kubernetes.default.svc", "AUD"] }],
      ["that has expired", { expiresInSeconds: -1 }],
    ])("never gets a token of the cluster %s", async (_what, { aud, ...changes }: TokenChanges) => {
      await proxy().start(text());
      expect((await proxy().call()).status).toBe(200);
      server().tee.take();
      const audiences = [aud ?? "AUD"].flat().map((one) => one.replace("AUD", `${server().url}/realms/${realm}`));
      await issuer.project(folder(), await issuer.token({ aud: audiences, ...changes }));
      expect((await proxy().call()).json()).toMatchObject({ error_code: "client_assertion_unusable" });
      expect(server().tee.take()).toHaveLength(0);
      await issuer.project(folder(), await issuer.token());
      expect((await proxy().call()).status).toBe(200);
    });

    it("rejects the token of a cluster that it does not trust, which shows nowhere in the log", async () => {
      const other = await startKubernetesIssuer(`${server().url}/realms/${realm}`);
      await proxy().start(text());
      const token = await other.token();
      await issuer.project(folder(), token);
      expect((await proxy().call()).json()).toMatchObject({ error_code: "provider_rejected_proxy" });
      for (const part of token.split(".")) expect(proxy().output()).not.toContain(part);
      await other.close();
      await issuer.project(folder(), await issuer.token());
    });
  });

  describe("with tokens of another authorization server", () => {
    let home: AuthorizationServer;
    beforeAll(async () => {
      home = await startHome(proxy());
    });
    afterAll(() => home?.close());

    it("gives a token for the grant of the other one, as in identity-chaining.yaml", async () => {
      await admin.post("identity-provider/instances", {
        ...{ alias: "home", enabled: true, providerId: "jwt-authorization-grant" },
        config: { issuer: home.issuer, useJwksUrl: "true", jwksUrl: `${home.issuer}/jwks` },
      });
      const federatedIdentities = [{ identityProvider: "home", userId: "chained-user", userName: "chained-user" }];
      await admin.add({
        users: [{ ...userOf("chained-user"), federatedIdentities }],
        clients: [clientOf("chained", { attributes: { "oauth2.jwt.authorization.grant.idp": "home" } })],
      });
      proxy().hosts["https://sso.partner.example"] = `${server().url}/realms/retail`;
      const file = proxy().file("identity-chaining.yaml");
      Object.assign(file.providers.partner as object, { kind: "keycloak", client_id: "chained" });
      await proxy().start(file, { secrets: HOME_SECRETS });
      const answer = await assertSameBytes(server(), () => proxy().call("chained-user"));
      expect(claimsOf(answer)).toMatchObject({ preferred_username: "chained-user", azp: "chained" });
      const refused = await proxy().call("nobody");
      expect([refused.status, refused.json()]).toEqual([
        400,
        { error: "invalid_grant", error_description: "User not found" },
      ]);
    });

    describe("after the commands of keycloak-external-exchange.yaml", () => {
      const example = "keycloak-external-exchange.yaml";
      beforeAll(() => createRealm(example), COMMANDS_TIMEOUT_MS);

      it("gives a token for that of the other one, as printed", async () => {
        const text = proxy()
          .example(example)
          .replaceAll("/retail", `/${realmOf(example)}`);
        await proxy().start(text, { secrets: HOME_SECRETS });
        const answer = await assertSameBytes(server(), () => proxy().call());
        expect(claimsOf(answer)).toMatchObject({ preferred_username: "alice", azp: "token-proxy" });
        // home refuses this user, and Keycloak is not asked.
        const refused = await proxy().call("mallory");
        expect([refused.status, refused.json().error_description]).toEqual([400, "grant request is invalid"]);
      });
    });
  });

  /** A realm with the users and, by its commands, all that the example needs. */
  async function createRealm(example: string): Promise<void> {
    const realm = realmOf(example);
    const password = { type: "password", value: SECRETS.TECHNICAL_PASSWORD };
    await admin.createRealm({
      realm,
      enabled: true,
      users: [{ ...userOf("alice"), federatedIdentities: [], credentials: [password] }, ...UNFIT_USERS.slice(0, 2)].map(
        (user) => ({ ...user, federatedIdentities: [] }),
      ),
      clients: [{ clientId: "app", publicClient: true, directAccessGrantsEnabled: true }],
    });
    const login = `kcadm.sh config credentials --server ${server().direct} --realm master --user ${ADMIN.username}`;
    const commands = `${login} --password "$PASSWORD"\n${commandsOf(example).replaceAll("-r retail", `-r ${realm}`)}`;
    await runCommands(proxy().local(commands), `${homeOf(server().data)}/bin`, {
      ...SECRETS,
      PASSWORD: ADMIN.password,
      KC_OPTS: `${KCADM_OPTIONS} -Duser.home=${server().data}`,
    });
  }

  /** The access token of a user who has logged in to an app. */
  async function userToken(realm: string): Promise<string> {
    const user = { username: "alice", password: SECRETS.TECHNICAL_PASSWORD };
    const body = new URLSearchParams({ grant_type: "password", client_id: "app", ...user });
    const url = `${server().url}/realms/${realm}/protocol/openid-connect/token`;
    const answer = (await (await fetch(url, { method: "POST", body })).json()) as { access_token: string };
    return answer.access_token;
  }

  it("refuses nobody when its database is down, is unreachable when it is stopped, and gives tokens when it is back", async () => {
    const file = proxy().file(JWT_GRANT);
    await proxy().start({ ...file, providers: { keycloak: { ...file.providers.keycloak, timeout: "30s" } } });
    expect((await proxy().call()).status).toBe(200);
    await stopDatabase(server());
    // It remembers users for a while.
    await expect.poll(async () => (await proxy().call()).status, { timeout: 120_000 }).not.toBe(200);
    expect((await proxy().call()).json()).toMatchObject({ error_code: "provider_error" });
    await assertSurvivesStop(server(), proxy());
  });
});
