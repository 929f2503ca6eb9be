// What goes to the provider for a proper call, and what comes back to the caller.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  host = await startHost(fileConfig(provider.tokenEndpoint), SECRETS);
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

describe(`secrets in params and headers on ${RUNTIME}`, () => {
  it("go out as they are, never read as templates, and stay out of answers and log", async () => {
    const changes = {
      params: { actor_token: { env: "ACTOR" }, userid: "{{userid}}" },
      headers: { "X-Gateway-Key": { env: "GATEWAY" } },
    };
    const secrets = { ...SECRETS, ACTOR: "pat {{userid}} & more", GATEWAY: "gateway key {{nonce}}" };
    const own = await startHost(fileConfig(provider.tokenEndpoint, { provider: changes }), secrets);
    try {
      provider.answer = json({ error: "invalid_request" }, 400);
      const answer = await callGetToken(own.url);
      expect(answer.json()).toMatchObject({ error_code: "provider_rejected_proxy" });
      const [request] = provider.requests;
      expect(Object.fromEntries(new URLSearchParams(request?.body))).toMatchObject({
        actor_token: "pat {{userid}} & more",
        userid: "alice",
      });
      expect(request?.headers["x-gateway-key"]).toBe("gateway key {{nonce}}");
      expect(answer.text + own.output()).not.toMatch(/pat \{|gateway key/);
    } finally {
      await own.close();
    }
  });
});

describe(`a refusal of the user on ${RUNTIME}`, () => {
  const refusal = (text: string) => json({ error: "invalid_grant", error_description: `sent ${text}` }, 400);
  const secret = SECRETS.CLIENT_SECRET;

  it.each<[string, string]>([
    ["plain", secret],
    ["form-encoded", new URLSearchParams({ client_secret: secret }).toString()],
    ["in base64", Buffer.from(`token-proxy:${secret}`).toString("base64")],
  ])("is not relayed if it repeats the client secret %s", async (_, text) => {
    provider.answer = refusal(text);
    const answer = await callGetToken(host.url);
    expect(answer.status).toBe(502);
    expect(answer.json()).toMatchObject({ error_code: "provider_error" });
    expect(answer.text + host.output()).not.toContain(text);
  });

  it("is relayed if it repeats what came with the call", async () => {
    provider.answer = refusal(`alice and ${NONCE}`);
    const answer = await callGetToken(host.url);
    expect(answer.status).toBe(400);
    expect(answer.json().error_description).toBe(`sent alice and ${NONCE}`);
  });
});

describe(`a proper call on ${RUNTIME}`, () => {
  it("has an id and a type of its own, though others are answered at the same moment", async () => {
    provider.answer = (socket, request) => {
      const userid = new URLSearchParams(request.body).get("userid");
      setTimeout(
        () => json({ access_token: userid }, 200, { "Content-Type": `application/json;v=${userid}` })(socket, request),
        50,
      );
    };
    const users = Array.from({ length: 20 }, (_, i) => `user-${i}`);
    const answers = await Promise.all(
      users.map((userid) => callGetToken(host.url, { body: { userid, nonce: NONCE } })),
    );
    expect(answers.map(({ headers }) => headers["content-type"])).toEqual(
      users.map((id) => `application/json;v=${id}`),
    );
    expect(new Set(answers.map(({ headers }) => headers["x-request-id"])).size).toBe(users.length);
  });

  it("sends one token request with the call's values and the client's credentials", async () => {
    expect((await callGetToken(host.url)).status).toBe(200);
    expect(provider.requests).toHaveLength(1);
    const [request] = provider.requests;
    expect(request).toMatchObject({ method: "POST", url: "/token" });
    expect(request?.body).toBe(`grant_type=urn%3Aexample%3Auser&userid=alice&nonce=${NONCE}`);
    expect(request?.headers.authorization).toBe(
      `Basic ${Buffer.from("token-proxy:s3cret+of+the+client").toString("base64")}`,
    );
    expect(request?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(request?.headers.accept).toBe("application/json");
  });

  it("relays nothing of the provider's headers but the type of the body", async () => {
    provider.answer = json({ access_token: "t" }, 201, {
      "Content-Type": "application/json;charset=UTF-8",
      "Set-Cookie": "a=b",
      Server: "vendor",
      "X-Vendor": "1",
      "Cache-Control": "public, max-age=9",
      "Keep-Alive": "timeout=1",
    });
    const answer = await callGetToken(host.url);
    expect(answer.status).toBe(201);
    const { date, connection, "keep-alive": keepAlive, "x-request-id": requestId, ...headers } = answer.headers;
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers).toEqual({
      "cache-control": "no-store",
      "content-length": "20",
      "content-type": "application/json;charset=UTF-8",
      pragma: "no-cache",
      "x-content-type-options": "nosniff",
    });
  });
});
