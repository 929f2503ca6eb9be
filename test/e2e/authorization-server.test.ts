// getToken against a real authorization server (oidc-provider), found by discovery.

import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import {
  type AuthorizationServer,
  POST_CLIENT,
  PUBLIC_CLIENT,
  RESOURCE,
  SPECIAL,
  startAuthorizationServer,
  USER_GRANT,
} from "../support/oidc-provider.ts";

const CLIENTS = [
  { method: "client_secret_basic", ...SPECIAL },
  { method: "client_secret_post", ...POST_CLIENT },
  { method: "none", ...PUBLIC_CLIENT, client_secret: undefined },
];
type Client = (typeof CLIENTS)[number];

/** What each client asks for. */
const USES: Record<string, { settings: object; secret?: string }> = {
  user: { settings: { grant_type: USER_GRANT, params: { userid: "{{userid}}", nonce: "{{nonce}}" } } },
  client: { settings: { grant_type: "client_credentials", params: {} } },
  wrong: { settings: { grant_type: "client_credentials", params: {} }, secret: "WRONG" },
};

let server: AuthorizationServer;
let host: Host;
/** A provider, found by discovery, for each use of each client; the serverid tells them apart. */
beforeAll(async () => {
  server = await startAuthorizationServer();
  const providers: Record<string, object> = {};
  for (const { method, client_id, client_secret } of CLIENTS) {
    for (const [use, { settings, secret = method.toUpperCase() }] of Object.entries(USES)) {
      providers[`${use}-${method}`] = {
        issuer: server.issuer,
        client_id,
        token_endpoint_auth_method: method,
        client_secret: client_secret === undefined ? undefined : { env: secret },
        scope: "accounts",
        ...settings,
      };
    }
  }
  const routes = Object.keys(providers).map((name) => ({ serverid: name, provider: name }));
  const secrets = CLIENTS.map(({ method, client_secret = "" }) => [method.toUpperCase(), client_secret]);
  host = await startHost(fileConfig("", { file: { providers, routes } }), {
    APIKEY,
    WRONG: "not the secret",
    ...Object.fromEntries(secrets),
  });
});
afterAll(async () => {
  await host?.close();
  await server?.close();
});

const call = (use: string, { method }: Client, userid = "alice") =>
  callGetToken(host.url, { body: { serverid: `${use}-${method}`, userid, accountid: 7 } });

async function verify(token: unknown) {
  return jwtVerify(String(token), createLocalJWKSet(server.jwks), {
    issuer: server.issuer,
    audience: RESOURCE,
    algorithms: ["ES256"],
  });
}

describe.each(CLIENTS)(`oidc-provider on ${RUNTIME} with $method`, (client) => {
  it("issues a token whose subject is the call's user", async () => {
    for (const userid of ["alice", "bøb@bank.example", "a&b=c+d% e"]) {
      const answer = await call("user", client, userid);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
      const { payload } = await verify(answer.json().access_token);
      expect(payload).toMatchObject({ sub: userid, nonce: NONCE, scope: "accounts", client_id: client.client_id });
    }
  });

  it("relays its refusal of a user, status and bytes", async () => {
    const answer = await call("user", client, "mallory");
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ error: "invalid_grant" });
    expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
  });
});

describe.each(CLIENTS.filter(({ method }) => method !== "none"))(
  `client_credentials on ${RUNTIME} with $method`,
  (client) => {
    it("issues a token for the client", async () => {
      const answer = await call("client", client);
      expect(answer.status).toBe(200);
      expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
      const { payload } = await verify(answer.json().access_token);
      expect(payload).toMatchObject({ sub: client.client_id, scope: "accounts" });
    });

    it("rejects this proxy when the secret is wrong", async () => {
      const answer = await call("wrong", client);
      expect(answer.status).toBe(502);
      expect(answer.json()).toMatchObject({ error: "server_error", error_code: "provider_rejected_proxy" });
    });
  },
);
