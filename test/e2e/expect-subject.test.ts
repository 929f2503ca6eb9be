// A 200 does not prove that the token is for the user who was asked for: expect_subject does.

import { generateKeyPair, SignJWT } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;
let jwtOf: (claims: Record<string, unknown>) => Promise<string>;

beforeAll(async () => {
  provider = await startRecordingProvider();
  const { privateKey } = await generateKeyPair("ES256");
  jwtOf = (claims) => new SignJWT(claims).setProtectedHeader({ alg: "ES256" }).sign(privateKey);
});
afterEach(() => host?.close());
afterAll(() => provider?.close());

async function answerFor(expect_subject: unknown, response: object) {
  host = await startHost(fileConfig(provider.tokenEndpoint, { provider: { expect_subject } }), SECRETS);
  const body = ` ${JSON.stringify(response)}\n`;
  provider.answer = json(body);
  return { sent: body, answer: await callGetToken(host.url) };
}

describe(`expect_subject on ${RUNTIME}`, () => {
  it("lets a token of the user through, byte for byte", async () => {
    const { answer, sent } = await answerFor("access_token.sub", { access_token: await jwtOf({ sub: "alice" }) });
    expect(answer.status).toBe(200);
    expect(answer.text).toBe(sent);
  });

  it.each<[string, unknown, () => Promise<object>]>([
    ["of another user", "access_token.sub", async () => ({ access_token: await jwtOf({ sub: "bob" }) })],
    ["of another case", "access_token.sub", async () => ({ access_token: await jwtOf({ sub: "Alice" }) })],
    ["without the claim", "access_token.sub", async () => ({ access_token: await jwtOf({ client_id: "alice" }) })],
    ["with a list", "access_token.sub", async () => ({ access_token: await jwtOf({ sub: ["alice"] }) })],
    ["that is opaque", "access_token.sub", async () => ({ access_token: "opaque" })],
    ["without the member", "id_token.sub", async () => ({ access_token: await jwtOf({ sub: "alice" }) })],
    ["with a member of another user", "user", async () => ({ access_token: "opaque", user: "bob" })],
  ])("refuses a token %s", async (_, expect_subject, response) => {
    const { answer } = await answerFor(expect_subject, await response());
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ error: "server_error", error_code: "provider_wrong_subject" });
    expect(answer.text).not.toMatch(/bob|eyJ|opaque/);
  });

  it.each<[string, unknown, () => Promise<object>]>([
    ["a member itself", "user", async () => ({ access_token: "opaque", user: "alice" })],
    ["a number", { member: "account", equals: "{{accountid}}" }, async () => ({ access_token: "opaque", account: 7 })],
    [
      "a claim by its full name",
      { member: "access_token", claim: "https://bank.example/user", equals: "u-{{userid}}" },
      async () => ({ access_token: await jwtOf({ "https://bank.example/user": "u-alice" }) }),
    ],
  ])("compares %s", async (_, expect_subject, response) => {
    expect((await answerFor(expect_subject, await response())).answer.status).toBe(200);
  });

  it("does not stand in the way of a refusal of the user", async () => {
    host = await startHost(
      fileConfig(provider.tokenEndpoint, { provider: { expect_subject: "access_token.sub" } }),
      SECRETS,
    );
    provider.answer = json({ error: "invalid_grant" }, 400);
    expect((await callGetToken(host.url)).status).toBe(400);
  });
});
