// Rotation of the client's credentials: the next one is tried once after invalid_client, and rarely
// after what may be the same, with everything signed again.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  const secrets = providerConfig(provider.tokenEndpoint, {
    token_endpoint_auth_method: "client_secret_post",
    client_secret: [{ env: "OLD" }, { env: "NEW" }, { env: "THIRD" }],
  });
  const keys = providerConfig(provider.tokenEndpoint, {
    client_secret: undefined,
    token_endpoint_auth_method: "private_key_jwt",
    client_key: [
      { kid: "old", alg: "ES256", private_key: { env: "OLD_KEY" } },
      { kid: "new", alg: "PS256", private_key: { env: "NEW_KEY" } },
    ],
    client_assertion: {
      aud: "{{token_endpoint}}",
      typ: null,
      ttl: "30s",
      backdate: "5s",
      header: { "x-note": "of {{client_id}}" },
      claims: { nbf: "{{iat}}", now: "{{now}}" },
    },
  });
  // Each test has its own provider, because a provider remembers which secret worked.
  const single = { ...secrets, client_secret: { env: "OLD" } };
  const harmless = { ...secrets, grant_type: "client_credentials", params: { user: "{{userid}}" } };
  const uaa = { ...harmless, kind: "uaa", user_errors: ["invalid_token"] };
  const providers: Record<string, object> = { keys, single, first: secrets, second: secrets, third: secrets };
  Object.assign(providers, { keycloak: harmless, uaa });
  const routes = Object.keys(providers).map((name) => ({ serverid: name, provider: name }));
  host = await startHost(fileConfig("", { file: { providers, routes } }), {
    APIKEY,
    OLD: "old secret",
    NEW: "new secret",
    THIRD: "third secret",
    OLD_KEY: (await makeKey("ES256")).pem,
    NEW_KEY: (await makeKey("PS256")).pem,
  });
});
beforeEach(() => {
  provider.requests.length = 0;
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

const callTo = (serverid: string) => callGetToken(host.url, { body: { ...CALL, serverid } });
const sent = (name: string) => provider.requests.map(({ body }) => String(new URLSearchParams(body).get(name)));

/** Accepts requests whose form is right, and rejects the client otherwise. */
function acceptOnly(isRight: (form: URLSearchParams) => boolean, status = 401): void {
  const rejection = json({ error: "invalid_client" }, status);
  provider.answer = (socket, request) =>
    (isRight(new URLSearchParams(request.body)) ? token() : rejection)(socket, request);
}

it.each([
  [401, "first"],
  [400, "second"],
])("after a %i invalid_client the next secret is tried, with a warning, and kept", async (status, name) => {
  acceptOnly((form) => form.get("client_secret") === "new secret", status);
  for (const _ of [1, 2]) expect((await callTo(name)).status).toBe(200);
  expect(sent("client_secret")).toEqual(["old secret", "new secret", "new secret"]);
  await expect.poll(() => host.output()).toMatch(new RegExp(`"level":"warn".*"${name}"`));
});

// Failures count at the provider.
it("no third secret is tried, no single one twice, and none after another error", async () => {
  provider.answer = json({ error: "unauthorized_client" }, 401);
  expect((await callTo("third")).status).toBe(502);
  acceptOnly(() => false);
  for (const name of ["third", "single"]) {
    expect((await callTo(name)).json()).toMatchObject({ error_code: "provider_rejected_proxy" });
  }
  expect(sent("client_secret")).toEqual(["old secret", "old secret", "new secret", "old secret"]);
});

// Keycloak answers a wrong secret so.
it("after another 401, the next secret is tried if the request can be repeated, and once in a while", async () => {
  const rejection = json({ error: "unauthorized_client" }, 401);
  provider.answer = rejection;
  for (const _ of [1, 2, 3]) expect((await callTo("keycloak")).status).toBe(502);
  expect(sent("client_secret")).toEqual(["old secret", "new secret", "old secret", "old secret"]);
});

it("a user who is refused with a 401 counts once at the provider", async () => {
  for (const [error, error_description] of [
    ["unauthorized", "The user account must be pre-created. Please contact your system administrator."],
    ["invalid_token", ""],
  ]) {
    provider.requests.length = 0;
    provider.answer = json({ error, error_description }, 401);
    expect((await callTo("uaa")).status).toBe(401);
    expect(sent("client_secret")).toEqual(["old secret"]);
  }
});

it("the next key signs a new assertion, with a new jti", async () => {
  acceptOnly((form) => decodeProtectedHeader(String(form.get("client_assertion"))).kid === "new");
  expect((await callTo("keys")).status).toBe(200);
  const assertions = sent("client_assertion");
  expect(assertions.map((jwt) => decodeProtectedHeader(jwt))).toEqual([
    { alg: "ES256", kid: "old", "x-note": "of token-proxy" },
    { alg: "PS256", kid: "new", "x-note": "of token-proxy" },
  ]);
  const [first, second] = assertions.map((jwt) => decodeJwt(jwt));
  const iat = first?.iat ?? 0;
  const names = { iss: "token-proxy", sub: "token-proxy", aud: provider.tokenEndpoint };
  expect(first).toMatchObject({ ...names, nbf: iat, now: iat + 5, exp: iat + 35 });
  expect(first?.jti).not.toBe(second?.jti);
});
