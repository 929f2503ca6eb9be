// Rotation of the client's credentials: the next one is tried once, only after invalid_client, with everything signed anew.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import {
  type Answer,
  json,
  type RecordingProvider,
  startRecordingProvider,
  token,
} from "../support/recording-provider.ts";

const OF_SECRETS = {
  token_endpoint_auth_method: "client_secret_post",
  client_secret: [{ env: "OLD" }, { env: "NEW" }, { env: "THIRD" }],
};

let provider: RecordingProvider;
let host: Host;
/** Providers in one file, told apart by the serverid: each test has its own, since each remembers which secret worked. */
const unused: string[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  const providers: Record<string, object> = {
    single: providerConfig(provider.tokenEndpoint, { ...OF_SECRETS, client_secret: { env: "OLD" } }),
    keys: providerConfig(provider.tokenEndpoint, {
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
    }),
  };
  for (let i = 0; i < 10; i++) {
    providers[`secrets-${i}`] = providerConfig(provider.tokenEndpoint, OF_SECRETS);
    unused.push(`secrets-${i}`);
  }
  const routes = Object.keys(providers).map((name) => ({ serverid: name, provider: name }));
  const keys = { OLD_KEY: (await makeKey("ES256")).pem, NEW_KEY: (await makeKey("PS256")).pem };
  const secrets = { APIKEY, OLD: "old secret", NEW: "new secret", THIRD: "third secret", ...keys };
  host = await startHost(fileConfig("", { file: { providers, routes } }), secrets);
});
beforeEach(() => {
  provider.requests.length = 0;
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

const callTo = (serverid: string) => callGetToken(host.url, { body: { ...CALL, serverid } });
const fresh = () => unused.pop() as string;
const secretsSent = () => provider.requests.map(({ body }) => new URLSearchParams(body).get("client_secret"));

/** Accepts one secret and refuses all others, as `status` with `error`. */
const acceptOnly =
  (secret: string, status = 401, error = "invalid_client"): Answer =>
  (socket, request) =>
    (new URLSearchParams(request.body).get("client_secret") === secret ? token() : json({ error }, status))(
      socket,
      request,
    );

describe(`a rotation on ${RUNTIME}`, () => {
  it.each([401, 400])(
    "tries the next secret once when the first is refused with %i invalid_client, and warns",
    async (status) => {
      const name = fresh();
      provider.answer = acceptOnly("new secret", status);
      expect((await callTo(name)).status).toBe(200);
      expect(secretsSent()).toEqual(["old secret", "new secret"]);
      await expect.poll(() => host.output()).toMatch(new RegExp(`"level":"warn".*"${name}"`));
      expect(host.output()).not.toMatch(/old secret|new secret/);
    },
  );

  it("goes on with the secret that worked", async () => {
    const name = fresh();
    provider.answer = acceptOnly("new secret");
    await callTo(name);
    await callTo(name);
    expect(secretsSent()).toEqual(["old secret", "new secret", "new secret"]);
  });

  it("tries no third one: failures count at the provider", async () => {
    provider.answer = acceptOnly("none of them");
    const answer = await callTo(fresh());
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ error_code: "provider_rejected_proxy" });
    expect(secretsSent()).toEqual(["old secret", "new secret"]);
  });

  it.each([
    [400, "invalid_grant", 400],
    [400, "unauthorized_client", 502],
    [401, "unauthorized_client", 502],
    [403, "access_denied", 403],
  ])("tries nothing more after %i %s", async (status, error, expected) => {
    provider.answer = json({ error }, status);
    expect((await callTo(fresh())).status).toBe(expected);
    expect(provider.requests).toHaveLength(1);
  });

  it("tries nothing more where there is one secret", async () => {
    provider.answer = acceptOnly("new secret");
    expect((await callTo("single")).status).toBe(502);
    expect(provider.requests).toHaveLength(1);
  });

  it("signs anew with the next key: another jti, another kid", async () => {
    const assertionOf = (body: string) => String(new URLSearchParams(body).get("client_assertion"));
    provider.answer = (socket, request) =>
      (decodeProtectedHeader(assertionOf(request.body)).kid === "new"
        ? token()
        : json({ error: "invalid_client" }, 401))(socket, request);
    expect((await callTo("keys")).status).toBe(200);
    const sent = provider.requests.map(({ body }) => assertionOf(body));
    expect(sent.map((jwt) => decodeProtectedHeader(jwt))).toEqual([
      { alg: "ES256", kid: "old", "x-note": "of token-proxy" },
      { alg: "PS256", kid: "new", "x-note": "of token-proxy" },
    ]);
    const [first, second] = sent.map((jwt) => decodeJwt(jwt));
    expect(first).toMatchObject({ iss: "token-proxy", sub: "token-proxy", aud: provider.tokenEndpoint });
    expect(first).toMatchObject({ nbf: first?.iat, now: (first?.iat ?? 0) + 5 });
    expect((first?.exp ?? 0) - (first?.iat ?? 0)).toBe(35);
    expect(first?.jti).not.toBe(second?.jti);
  });
});
