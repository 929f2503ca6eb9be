// A 200 does not prove that the token is for the user who was asked for: expect_subject does.

import { generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;
let jwtOf: (claims: Record<string, unknown>) => Promise<string>;

/** What each provider of the file expects; the serverid of a call chooses one. */
const EXPECTED = {
  access_token: "access_token.sub",
  id_token: "id_token.sub",
  member: "user",
  number: { member: "account", equals: "{{accountid}}" },
  full_name: { member: "access_token", claim: "https://bank.example/user", equals: "u-{{userid}}" },
};
type Name = keyof typeof EXPECTED;

beforeAll(async () => {
  provider = await startRecordingProvider();
  const { privateKey } = await generateKeyPair("ES256");
  jwtOf = (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
  const providers = Object.entries(EXPECTED).map(([name, expect_subject]) => [
    name,
    providerConfig(provider.tokenEndpoint, { expect_subject }),
  ]);
  const routes = Object.keys(EXPECTED).map((name) => ({ serverid: name, provider: name }));
  const file = { providers: Object.fromEntries(providers), routes };
  host = await startHost(fileConfig(provider.tokenEndpoint, { file }), SECRETS);
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

const call = (serverid: Name) => callGetToken(host.url, { body: { ...CALL, serverid } });

async function answerFor(name: Name, response: object) {
  const body = ` ${JSON.stringify(response)}\n`;
  provider.answer = json(body);
  return { sent: body, answer: await call(name) };
}

describe(`expect_subject on ${RUNTIME}`, () => {
  it("lets a token of the user through, byte for byte", async () => {
    const { answer, sent } = await answerFor("access_token", { access_token: await jwtOf({ sub: "alice" }) });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(sent);
  });

  it.each<[string, Name, () => Promise<object>]>([
    ["of another user", "access_token", async () => ({ access_token: await jwtOf({ sub: "bob" }) })],
    ["of another case", "access_token", async () => ({ access_token: await jwtOf({ sub: "Alice" }) })],
    ["without the claim", "access_token", async () => ({ access_token: await jwtOf({ client_id: "alice" }) })],
    ["with a list", "access_token", async () => ({ access_token: await jwtOf({ sub: ["alice"] }) })],
    ["that is opaque", "access_token", async () => ({ access_token: "0paque-t0ken" })],
    ["without the member", "id_token", async () => ({ access_token: await jwtOf({ sub: "alice" }) })],
    ["with a member of another user", "member", async () => ({ access_token: "opaque", user: "bob" })],
  ])("refuses a token %s", async (_, name, response) => {
    const { answer } = await answerFor(name, await response());
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ error: "server_error", error_code: "provider_wrong_subject" });
    expect(answer.text).not.toMatch(/bob|eyJ|0paque/);
  });

  it.each<[string, string, RegExp]>([
    ["whose number is another one when it is not rounded", '{"sub":9007199254740993}', /of another user/],
    ["with the claim twice", '{"sub":"9007199254740992","sub":"9007199254740992"}', /"sub" twice/],
    ["with claims that are no object", "[]", /opaque/],
  ])("refuses a token %s", async (_, claims, message) => {
    const access_token = `e30.${Buffer.from(claims).toString("base64url")}.c2ln`;
    provider.answer = json({ access_token });
    const body = { ...CALL, userid: "9007199254740992", serverid: "access_token" };
    const answer = await callGetToken(host.url, { body });
    expect(answer.json()).toMatchObject({ error_code: "provider_wrong_subject" });
    expect(answer.json().error_description).toMatch(message);
  });

  it.each<[string, Name, () => Promise<object>]>([
    ["a member itself", "member", async () => ({ access_token: "opaque", user: "alice" })],
    ["a number", "number", async () => ({ access_token: "opaque", account: 7 })],
    [
      "a claim by its full name",
      "full_name",
      async () => ({ access_token: await jwtOf({ "https://bank.example/user": "u-alice" }) }),
    ],
  ])("compares %s", async (_, name, response) => {
    expect((await answerFor(name, await response())).answer.status).toBe(200);
  });

  it("does not keep the provider from refusing the user", async () => {
    provider.answer = json({ error: "invalid_grant" }, 400);
    expect((await call("access_token")).status).toBe(400);
  });
});
