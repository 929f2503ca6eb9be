// A value of the call stays in its place: it never becomes a second scope, another member or
// another user.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const PLACES = {
  scope: { scope: "x:{{userid}}" },
  claim: {
    token_endpoint_auth_method: "client_secret_jwt",
    client_assertion: { claims: { scope: "x:{{userid}}" } },
  },
  text: { params: { user: "{{accountid}}|{{userid}}" } },
  url: { params: { resource: "https://api.bank.example/users/{{userid}}/accounts" } },
  header: { headers: { "X-User": "u-{{userid}}" } },
  json: { params: { authorization_details: { json: [{ user: "{{userid}}", account: "{{accountid}}" }] } } },
};
type Name = keyof typeof PLACES;

let provider: RecordingProvider;
let host: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  const providers = Object.fromEntries(
    Object.entries(PLACES).map(([name, settings]) => [name, providerConfig(provider.tokenEndpoint, settings)]),
  );
  const routes = Object.keys(PLACES).map((name) => ({ serverid: name, provider: name }));
  const secrets = { ...SECRETS, CLIENT_SECRET: "a secret with more than 32 characters" };
  host = await startHost(fileConfig(provider.tokenEndpoint, { file: { providers, routes } }), secrets);
});
beforeEach(() => {
  provider.requests.length = 0;
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

const call = (serverid: Name, userid: string) => callGetToken(host.url, { body: { ...CALL, serverid, userid } });

describe(`a value of the call on ${RUNTIME}`, () => {
  it.each<[Name, string, string]>([
    ["scope", "alice admin", "scope"],
    ["claim", "alice admin", "client_assertion.claims.scope"],
    ["text", "8|bob", "params.user"],
    ["url", "alice/../bob", "params.resource"],
    ["url", "..", "params.resource"],
    ["header", "é", "headers.X-User"],
  ])("that would break out of a %s is refused, without repeating it: %s", async (name, userid, key) => {
    const answer = await call(name, userid);
    expect(answer.status).toBe(400);
    const { error_code, error_description } = answer.json();
    expect(error_code).toBe("call_invalid");
    expect(error_description).toMatch(`the value of {{userid}} does not fit into "providers.${name}.${key}": there it`);
    expect(provider.requests).toHaveLength(0);
    if (userid.length > 2) expect(answer.text + host.output()).not.toContain(userid);
  });

  it.each<[Name, string, string, string]>([
    ["scope", "alice:admin", "scope", "x:alice:admin"],
    ["text", "alice é", "user", "7|alice é"],
    ["url", "alice.1~a", "resource", "https://api.bank.example/users/alice.1~a/accounts"],
    [
      "json",
      'x","admin":true,"y":"',
      "authorization_details",
      String.raw`[{"user":"x\",\"admin\":true,\"y\":\"","account":7}]`,
    ],
  ])("that fits into a %s is sent: %s", async (name, userid, parameter, sent) => {
    expect((await call(name, userid)).status).toBe(200);
    expect(new URLSearchParams(provider.requests[0]?.body).getAll(parameter)).toEqual([sent]);
  });
});
