// Client authentication on the wire, with credentials that must be encoded correctly; and secrets
// elsewhere in a token request.

import { afterAll, beforeAll, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

// Oidc-provider accepts only ASCII (RFC 6749 App. A), others accept "é" too.
const ID = "cliént%+ &id";
const SECRET = "s%+: &é=";
const SECRETS = { CLIENT_SECRET: SECRET, ACTOR: "pat {{userid}} & more", GATEWAY: "gateway key {{nonce}}" };

let provider: RecordingProvider;
let host: Host;
/** A provider for each method; the serverid selects one. */
beforeAll(async () => {
  provider = await startRecordingProvider();
  const placed = { params: { actor: { env: "ACTOR" } }, headers: { "X-Gateway-Key": { env: "GATEWAY" } } };
  const of = (token_endpoint_auth_method: string, changes: object = {}) =>
    providerConfig(provider.tokenEndpoint, { client_id: ID, token_endpoint_auth_method, params: {}, ...changes });
  const providers = {
    client_secret_basic: of("client_secret_basic"),
    client_secret_basic_raw: of("client_secret_basic_raw"),
    client_secret_post: of("client_secret_post"),
    none: of("none", { client_secret: undefined }),
    plain: of("client_secret_basic", { client_id: "token-proxy_1.a", ...placed }),
  };
  const routes = Object.keys(providers).map((name) => ({ serverid: name, provider: name }));
  host = await startHost(fileConfig("", { file: { providers, routes } }), { APIKEY, ...SECRETS });
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

/** Makes one call. @returns the answer, and the credentials and parameters of the token request */
async function sent(serverid: string) {
  provider.requests.length = 0;
  const answer = await callGetToken(host.url, { body: { ...CALL, serverid } });
  expect(provider.requests).toHaveLength(1);
  const [request] = provider.requests;
  const { grant_type, ...form } = Object.fromEntries(new URLSearchParams(request?.body));
  const basic = request?.headers.authorization?.replace(/^Basic /, "");
  return { answer, request, form, basic: basic && Buffer.from(basic, "base64").toString("utf8") };
}

it.each<[string, string | undefined, object]>([
  ["client_secret_basic", "cli%C3%A9nt%25%2B+%26id:s%25%2B%3A+%26%C3%A9%3D", {}],
  ["client_secret_basic_raw", `${ID}:${SECRET}`, {}],
  ["client_secret_post", undefined, { client_id: ID, client_secret: SECRET }],
  ["none", undefined, { client_id: ID }],
])("%s sends the credentials in one place", async (method, basic, form) => {
  const request = await sent(method);
  expect([request.basic, request.form]).toEqual([basic, form]);
});

it("secrets in params and headers are sent unchanged, and get neither into the answer nor into the log", async () => {
  provider.answer = json({ error: "invalid_request" }, 400);
  const { answer, request, form, basic } = await sent("plain");
  provider.answer = token();
  expect(answer.json()).toMatchObject({ error_code: "provider_rejected_proxy" });
  expect(form).toEqual({ actor: SECRETS.ACTOR });
  expect(request?.headers).toMatchObject({
    "x-gateway-key": SECRETS.GATEWAY,
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  expect(basic).toMatch(/^token-proxy_1\.a:/); // readable for servers that do not decode
  expect(answer.text + host.output()).not.toMatch(/pat \{|gateway key/);
});
