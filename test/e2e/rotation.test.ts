// A rotation of the client's credentials: the next one is tried once, on invalid_client alone, with everything signed anew.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import {
  type Answer,
  json,
  type RecordingProvider,
  startRecordingProvider,
  token,
} from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;
let keys: Record<string, string>;

beforeAll(async () => {
  provider = await startRecordingProvider();
  keys = { OLD_KEY: (await makeKey("ES256")).pem, NEW_KEY: (await makeKey("PS256")).pem };
});
afterEach(async () => {
  await host?.close();
  provider.requests.length = 0;
});
afterAll(() => provider?.close());

async function start(changes: object): Promise<void> {
  const secrets = { APIKEY, OLD: "old secret", NEW: "new secret", THIRD: "third secret", ...keys };
  host = await startHost(fileConfig(provider.tokenEndpoint, { provider: changes }), secrets);
}

const SECRETS_LIST = {
  token_endpoint_auth_method: "client_secret_post",
  client_secret: [{ env: "OLD" }, { env: "NEW" }, { env: "THIRD" }],
};
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
      await start(SECRETS_LIST);
      provider.answer = acceptOnly("new secret", status);
      expect((await callGetToken(host.url)).status).toBe(200);
      expect(secretsSent()).toEqual(["old secret", "new secret"]);
      await expect.poll(() => host.output()).toContain("client credential refused, trying the next");
      expect(host.output()).not.toMatch(/old secret|new secret/);
    },
  );

  it("goes on with the secret that worked", async () => {
    await start(SECRETS_LIST);
    provider.answer = acceptOnly("new secret");
    await callGetToken(host.url);
    await callGetToken(host.url);
    expect(secretsSent()).toEqual(["old secret", "new secret", "new secret"]);
  });

  it("tries no third one: failures count at the provider", async () => {
    await start(SECRETS_LIST);
    provider.answer = acceptOnly("none of them");
    const answer = await callGetToken(host.url);
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
    await start(SECRETS_LIST);
    provider.answer = json({ error }, status);
    expect((await callGetToken(host.url)).status).toBe(expected);
    expect(provider.requests).toHaveLength(1);
  });

  it("tries nothing more where there is one secret", async () => {
    await start({ ...SECRETS_LIST, client_secret: { env: "OLD" } });
    provider.answer = acceptOnly("new secret");
    expect((await callGetToken(host.url)).status).toBe(502);
    expect(provider.requests).toHaveLength(1);
  });

  it("signs anew with the next key: another jti, another kid", async () => {
    await start({
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
    const assertionOf = (body: string) => String(new URLSearchParams(body).get("client_assertion"));
    provider.answer = (socket, request) =>
      (decodeProtectedHeader(assertionOf(request.body)).kid === "new"
        ? token()
        : json({ error: "invalid_client" }, 401))(socket, request);
    expect((await callGetToken(host.url)).status).toBe(200);
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
