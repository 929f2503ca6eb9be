// ZITADEL's token exchange for a user id, with an actor token that the proxy requests and keeps.

import { beforeAll, describe, expect, it } from "vitest";
import { install } from "../install.ts";
import { claimsOf, type Settings, useProxy } from "../proxy.ts";
import { useServer } from "../server.ts";
import { assertSameBytes, assertSurvivesOutage, callForManyUsers } from "../specs.ts";
import { bodyOf } from "../tee.ts";
import { ACTOR, CLIENT_SECRET, SOURCES, ZITADEL } from "./zitadel.ts";

const EXAMPLE = "zitadel-actor-token.yaml";
const installed = await install(ZITADEL, SOURCES);

describe.skipIf(installed === undefined)(`${ZITADEL.name} ${ZITADEL.version}`, () => {
  const proxy = useProxy({
    ZITADEL_CLIENT_SECRET: CLIENT_SECRET,
    ZITADEL_ACTOR_SECRET: ACTOR.client_secret,
    WRONG_SECRET: "not the secret",
  });
  const server = useServer(ZITADEL, installed, proxy);
  /** The example, with the service user of the library and changes to the exchange. */
  function file(changes: Settings = {}, actor: Settings = {}) {
    const all = proxy().file(EXAMPLE);
    Object.assign(all.providers.actor as Settings, { client_id: ACTOR.client_id }, actor);
    Object.assign(all.providers.zitadel as Settings, changes);
    return all;
  }
  beforeAll(() => {
    proxy().hosts["https://zitadel.bank.example"] = server().url;
  });

  it.each(["node", "workerd"] as const)(
    "gives a token for the user, with one actor token for all calls: %s",
    async (runtime) => {
      await proxy().start(file(), { runtime });
      const answer = await assertSameBytes(server(), () => proxy().call());
      expect(claimsOf(answer)).toMatchObject({ sub: "alice" });
    },
  );

  it("gives each of many users their own token", async () => {
    await proxy().start(file());
    expect(await callForManyUsers(proxy(), (answer) => claimsOf(answer).sub)).toEqual([]);
  });

  it("refuses an unknown user, in its own words", async () => {
    await proxy().start(file());
    expect((await proxy().call()).status).toBe(200);
    server().tee.take();
    const answer = await proxy().call("nobody");
    expect(answer.status).toBe(400);
    expect(answer.json()).toEqual({ error: "invalid_request", error_description: "subject_token is invalid" });
    expect(answer.body).toEqual(bodyOf(server().tee.take()));
  });

  it.each<[string, Settings, Settings]>([
    [
      "without an actor",
      { params: { subject_token: "{{userid}}", subject_token_type: "urn:zitadel:params:oauth:token-type:user_id" } },
      { cache: false },
    ],
    ["with a wrong secret", { client_secret: { env: "WRONG_SECRET" } }, {}],
    ["with a wrong secret of the actor", {}, { client_secret: { env: "WRONG_SECRET" } }],
  ])("rejects the proxy %s", async (_what, changes, actor) => {
    await proxy().start(file(changes, actor));
    expect((await proxy().call()).json().error_code).toBe("provider_rejected_proxy");
  });

  it("is unreachable when it is stopped; when it is back, the kept actor token is replaced", async () => {
    await proxy().start(file());
    await assertSurvivesOutage(server(), proxy());
  });
});
