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

let server: AuthorizationServer;
beforeAll(async () => {
  server = await startAuthorizationServer();
});
afterAll(() => server?.close());

const CLIENTS = [
  { method: "client_secret_basic", ...SPECIAL },
  { method: "client_secret_post", ...POST_CLIENT },
  { method: "none", ...PUBLIC_CLIENT, client_secret: undefined },
];

/** A file whose provider is found by discovery. */
function discoveredFile(client: (typeof CLIENTS)[number], changes: object): object {
  return fileConfig("", {
    provider: {
      token_endpoint: undefined,
      issuer: server.issuer,
      client_id: client.client_id,
      token_endpoint_auth_method: client.method,
      client_secret: client.client_secret === undefined ? undefined : { env: "CLIENT_SECRET" },
      scope: "accounts",
      ...changes,
    },
  });
}

function start(client: (typeof CLIENTS)[number], changes: object): Promise<Host> {
  return startHost(discoveredFile(client, changes), { APIKEY, CLIENT_SECRET: client.client_secret ?? "" });
}

async function verify(token: unknown) {
  return jwtVerify(String(token), createLocalJWKSet(server.jwks), {
    issuer: server.issuer,
    audience: RESOURCE,
    algorithms: ["ES256"],
  });
}

describe.each(CLIENTS)(`oidc-provider on ${RUNTIME} with $method`, (client) => {
  it("issues a token whose subject is the call's user", async () => {
    const host = await start(client, { grant_type: USER_GRANT, params: { userid: "{{userid}}", nonce: "{{nonce}}" } });
    try {
      for (const userid of ["alice", "bøb@bank.example", "a&b=c+d% e"]) {
        const answer = await callGetToken(host.url, { body: { serverid: "c2VydmVyLTE=", userid, accountid: 7 } });
        expect(answer.status).toBe(200);
        expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
        const { payload } = await verify(answer.json().access_token);
        expect(payload).toMatchObject({ sub: userid, nonce: NONCE, scope: "accounts", client_id: client.client_id });
      }
    } finally {
      await host.close();
    }
  });

  it("relays its refusal of a user, status and bytes", async () => {
    const host = await start(client, { grant_type: USER_GRANT, params: { userid: "{{userid}}" } });
    try {
      const answer = await callGetToken(host.url, { body: { userid: "mallory" } });
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ error: "invalid_grant" });
      expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
    } finally {
      await host.close();
    }
  });
});

describe.each(CLIENTS.filter(({ method }) => method !== "none"))(
  `client_credentials on ${RUNTIME} with $method`,
  (client) => {
    it("issues a token for the client", async () => {
      const host = await start(client, { grant_type: "client_credentials", params: {} });
      try {
        const answer = await callGetToken(host.url);
        expect(answer.status).toBe(200);
        expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
        const { payload } = await verify(answer.json().access_token);
        expect(payload).toMatchObject({ sub: client.client_id, scope: "accounts" });
      } finally {
        await host.close();
      }
    });

    it("is told that it rejects this proxy when the secret is wrong", async () => {
      const file = discoveredFile(client, { grant_type: "client_credentials", params: {} });
      const host = await startHost(file, { APIKEY, CLIENT_SECRET: "not the secret" });
      try {
        const answer = await callGetToken(host.url);
        expect(answer.status).toBe(502);
        expect(answer.json()).toMatchObject({ error: "server_error", error_code: "provider_rejected_proxy" });
      } finally {
        await host.close();
      }
    });
  },
);
