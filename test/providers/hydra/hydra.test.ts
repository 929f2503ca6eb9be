// Ory Hydra: a trusted issuer, no users.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { assertCase, type Case, withCases } from "../cases.ts";
import { install } from "../install.ts";
import { claimsOf, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, BUSY, callForManyUsers } from "../specs.ts";
import { commandsOf, runCommands } from "../steps.ts";
import { administer, CLIENT_SECRET, clientOf, HYDRA } from "./hydra.ts";

const installed = await install(HYDRA);
const EXAMPLE = "hydra.yaml";
const KEY_ALGORITHMS = ["RS256", "PS256", "ES256", "ES384"] as const;
const SECRETS = { HYDRA_CLIENT_SECRET: CLIENT_SECRET, NEW_SECRET: "the next secret", WRONG_SECRET: "not the secret" };

const claims = (changes: object) => ({ jwt: { user: { claims: changes } } });
/** Hydra knows no users, so nothing is a refusal. */
const CASES: readonly Case[] = [
  { name: "any user gets a token", userid: "anybody", expected: "token" },
  ...Object.entries({
    "a wrong secret": { client_secret: { env: "WRONG_SECRET" } },
    "another authentication method than the client's": { token_endpoint_auth_method: "client_secret_post" },
    "an unknown client": { client_id: "nobody" },
    "a client without the grant": { client_id: "without-grant" },
    "a scope that the client has not": { scope: "nonsense" },
    "a scope that is not in the trust": { scope: "cards" },
    "the issuer as audience": claims({ aud: "{{issuer}}" }),
    "an issuer that is not trusted": claims({ iss: "https://elsewhere.example" }),
    "a key that is not trusted": { jwt: { user: { header: { kid: "unknown" } } } },
    "no jti": claims({ jti: null }),
    "a jti that was used": claims({ jti: "used" }),
    "no iat": claims({ iat: null }),
    "an expired assertion": claims({ exp: 1, iat: 0 }),
    "no subject": claims({ sub: null }),
    "a grant that does not exist": { grant_type: "urn:bank.example:grant-type:nonsense", jwt: null },
    "an algorithm that the client has not": {
      client_id: "key-RS256",
      client_secret: null,
      token_endpoint_auth_method: "private_key_jwt",
      client_assertion: { aud: "{{token_endpoint}}" },
    },
  }).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  {
    name: "a wrong token endpoint",
    provider: { issuer: null, token_endpoint: "https://hydra.bank.example/token" },
    expected: "provider_wrong_endpoint",
  },
];

describe.skipIf(installed === undefined)(`${HYDRA.name} ${HYDRA.version}`, () => {
  const proxy = useProxy(SECRETS);
  const server = useServer(HYDRA, installed, proxy);
  let admin: Awaited<ReturnType<typeof administer>>;
  /** The trust in the example's key. */
  beforeAll(async () => {
    admin = await administer(server());
    proxy().hosts["https://hydra.bank.example"] = server().url;
    proxy().hosts["https://hydra-admin.bank.example"] = admin.url;
    const { jwk } = await proxy().key("2026-11", "ES256");
    await writeFile(join(proxy().folder, "2026-11.jwk"), JSON.stringify(jwk));
    await runCommands(proxy().local(commandsOf(EXAMPLE)), server().installed, SECRETS);
  });

  it("gives a token after the example's commands, with the example as printed, and its bytes are relayed", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    const answer = await assertSameBytes(server(), () => proxy().call());
    expect(claimsOf(answer)).toMatchObject({ sub: "alice", scp: ["accounts"] });
    expect(claimsOf(answer).aud).toContain("https://api.bank.example");
  });

  it("gives each of many users their own token", async () => {
    // Its SQLite is locked while it writes, and so fails calls that come at the same time.
    const oneByOne = { busy: [...BUSY, "provider_error"], inFlight: 1 };
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).sub, oneByOne)).toEqual([]);
  });

  it("gives opaque tokens too, each for its user", async () => {
    await admin.createClient(clientOf("opaque", { access_token_strategy: "opaque" }));
    const opaque = { client_id: "opaque", expect_subject: null };
    const file = withCases(proxy().file(EXAMPLE), [{ name: "", provider: opaque, expected: "token" }]);
    await proxy().start(file);
    const answer = await assertSameBytes(server(), () => proxy().call("bob", { serverid: "case_0" }));
    expect(await admin.introspect(String(answer.json().access_token))).toMatchObject({ active: true, sub: "bob" });
  });

  it("accepts each of its client authentication methods", async () => {
    const methods: Case[] = [];
    for (const token_endpoint_auth_method of ["client_secret_basic", "client_secret_post", "none"]) {
      const client_id = token_endpoint_auth_method;
      await admin.createClient(clientOf(client_id, { token_endpoint_auth_method }));
      const provider = { client_id, token_endpoint_auth_method };
      const secret = client_id === "none" ? { client_secret: null } : {};
      methods.push({ name: client_id, provider: { ...provider, ...secret }, expected: "token" });
    }
    for (const alg of KEY_ALGORITHMS) {
      const { entry, jwk } = await proxy().key(`client-${alg}`, alg);
      const token_endpoint_auth_method = "private_key_jwt";
      await admin.createClient(
        clientOf(`key-${alg}`, {
          token_endpoint_auth_method,
          token_endpoint_auth_signing_alg: alg,
          jwks: { keys: [jwk] },
        }),
      );
      const provider = { token_endpoint_auth_method, client_secret: null, client_key: entry };
      const client_assertion = { aud: "{{token_endpoint}}" };
      methods.push({
        name: alg,
        provider: { client_id: `key-${alg}`, ...provider, client_assertion },
        expected: "token",
      });
    }
    await proxy().start(withCases(proxy().file(EXAMPLE), methods));
    for (const [index, each] of methods.entries()) await assertCase(proxy(), each, index);
  });

  describe("of an answer:", () => {
    beforeAll(async () => {
      await admin.createClient(clientOf("without-grant", { grant_types: ["client_credentials"] }));
      await admin.changeClient("token-proxy", { scope: "accounts cards" });
      const cases = JSON.parse(proxy().local(JSON.stringify(CASES)));
      await proxy().start(withCases(proxy().file(EXAMPLE), cases));
      const used = CASES.findIndex(({ name }) => name.includes("was used"));
      await proxy().call("alice", { serverid: `case_${used}` });
    });
    it.each(CASES.map((each, index) => ({ ...each, index })))("$name: $expected", async (each) => {
      await assertCase(proxy(), each, each.index);
    });
  });

  it("trusts a new key beside the old one, and refuses the old one only when its trust is deleted", async () => {
    const { entry, jwk } = await proxy().key("next", "ES256");
    const file = proxy().file(EXAMPLE);
    const old = { ...file.signing?.keys[0] };
    const signing = (...keys: object[]) => ({ ...file, signing: { issuer: proxy().issuer, keys } });
    await proxy().start(signing(entry, old));
    expect((await proxy().call()).json()).toMatchObject({ error_code: "provider_rejected_proxy" });
    const trust = await admin.trust({ issuer: proxy().issuer, jwk });
    expect((await proxy().call()).status).toBe(200);
    await admin.withdraw(trust);
    expect((await proxy().call()).json()).toMatchObject({ error_code: "provider_rejected_proxy" });
  });

  it("keeps a trust that has expired", async () => {
    const { entry, jwk } = await proxy().key("short", "ES256");
    const file = proxy().file(EXAMPLE);
    await admin.trust({ issuer: proxy().issuer, jwk, seconds: 1 });
    await proxy().start({ ...file, signing: { issuer: proxy().issuer, keys: [entry] } });
    expect((await proxy().call()).status).toBe(200);
  });

  it("gets the next secret or key of the client after the first one was withdrawn", async () => {
    const next = await proxy().key("client-next", "ES256");
    const old = await proxy().key("client-old", "ES256");
    await admin.createClient(
      clientOf("rotating", {
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        jwks: { keys: [next.jwk] },
      }),
    );
    const cases: Case[] = [
      {
        name: "secret",
        provider: { client_secret: [{ env: "WRONG_SECRET" }, { env: "HYDRA_CLIENT_SECRET" }] },
        expected: "token",
      },
      {
        name: "key",
        provider: {
          client_id: "rotating",
          token_endpoint_auth_method: "private_key_jwt",
          client_secret: null,
          client_key: [old.entry, next.entry], // an unknown kid is 400 invalid_request there
          client_assertion: { aud: "{{token_endpoint}}" },
        },
        expected: "token",
      },
    ];
    await proxy().start(withCases(proxy().file(EXAMPLE), cases));
    for (const [index, each] of cases.entries()) await assertCase(proxy(), each, index);
  });

  it("is unreachable when it is stopped, and gives tokens again when it is back", async () => {
    await proxy().start(proxy().example(EXAMPLE));
    await assertSurvivesOutage(server(), proxy());
  });
});
