// Every grant with every client authentication, against a real authorization server that verifies
// our JWTs by discovery.

import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Answered, APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { makeAuthority, makeKey, makeSelfSigned } from "../support/keys.ts";
import {
  type AuthorizationServer,
  CODE_GRANT,
  HMAC_CLIENT,
  JWT_BEARER,
  KEY_CLIENT,
  POST_CLIENT,
  PUBLIC_CLIENT,
  RESOURCE,
  SELF_SIGNED_CLIENT,
  SPECIAL,
  startAuthorizationServer,
  TLS_CLIENT,
  TOKEN_EXCHANGE,
  USER_GRANT,
} from "../support/oidc-provider.ts";
import { freePort } from "../support/port.ts";

/** Each client's settings in the file; its secret is in the variable of its name. */
const CLIENTS: Record<string, { client_id: string; secret?: string; tls?: "CA" | "SELF" }> = {
  client_secret_basic: { client_id: SPECIAL.client_id, secret: SPECIAL.client_secret },
  client_secret_post: { client_id: POST_CLIENT.client_id, secret: POST_CLIENT.client_secret },
  client_secret_jwt: { client_id: HMAC_CLIENT.client_id, secret: HMAC_CLIENT.client_secret },
  private_key_jwt: KEY_CLIENT,
  tls_client_auth: { ...TLS_CLIENT, tls: "CA" },
  self_signed_tls_client_auth: { ...SELF_SIGNED_CLIENT, tls: "SELF" },
  none: PUBLIC_CLIENT,
};

/** What the file says of each grant, and whose token comes of it. */
const GRANTS: Record<string, { settings: object; subject: (client_id: string) => string }> = {
  "jwt-bearer": { settings: { grant_type: JWT_BEARER }, subject: () => "alice" },
  "token-exchange, minted": { settings: { grant_type: TOKEN_EXCHANGE }, subject: () => "alice" },
  "token-exchange, relayed": {
    settings: {
      grant_type: TOKEN_EXCHANGE,
      params: {
        subject_token: "{{user_token}}",
        subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
        audience: ["a", "b"],
      },
    },
    subject: () => "carol",
  },
  "token-exchange, named subject": {
    settings: { grant_type: TOKEN_EXCHANGE, params: { requested_subject: "{{userid}}" } },
    subject: () => "alice",
  },
  "token-exchange, actor": {
    settings: {
      grant_type: TOKEN_EXCHANGE,
      params: {
        subject_token: "{{userid}}",
        subject_token_type: "urn:zitadel:params:oauth:token-type:user_id",
        actor_token: "{{jwt.actor}}",
        actor_token_type: "urn:ietf:params:oauth:token-type:jwt",
      },
      jwt: { actor: { claims: { sub: "token-proxy" } } },
    },
    subject: () => "alice",
  },
  "webNonce as code": {
    settings: { grant_type: CODE_GRANT, params: { code: "{{nonce}}" } },
    subject: () => `session-${NONCE}`,
  },
  "custom grant": {
    settings: { grant_type: USER_GRANT, params: { userid: "{{userid}}" } },
    subject: () => "alice",
  },
  client_credentials: { settings: { grant_type: "client_credentials" }, subject: (client_id) => client_id },
};

let server: AuthorizationServer;
let host: Host;
let userToken: string;

/** One proxy with a provider for every pair, told apart by the serverid of the call. */
beforeAll(async () => {
  const authority = await makeAuthority();
  const [serverTls, clientTls] = await Promise.all([
    authority.issue("127.0.0.1", { ips: ["127.0.0.1"] }),
    authority.issue(TLS_CLIENT.client_id),
  ]);
  const selfSigned = await makeSelfSigned(SELF_SIGNED_CLIENT.client_id);
  const port = await freePort();
  const proxyUrl = `http://127.0.0.1:${port}`;
  server = await startAuthorizationServer({
    trusted: proxyUrl,
    tls: { ...serverTls, ca: authority.certificate, selfSigned: selfSigned.certificate },
  });

  const onNode = RUNTIME === "node";
  const tlsOf = (kind: "CA" | "SELF" | undefined) => {
    if (!onNode) return kind === undefined ? undefined : { binding: `MTLS_${kind}` };
    const own = { certificate: { env: `CERT_${kind}` }, private_key: { env: `KEY_${kind}` } };
    return { ca: { env: "CA" }, ...(kind === undefined ? {} : own) };
  };
  const providers: Record<string, object> = Object.fromEntries(
    pairs().map(({ name, method, grant }) => {
      const { client_id, secret, tls } = CLIENTS[method] as (typeof CLIENTS)[string];
      const settings = {
        issuer: server.issuer,
        client_id,
        token_endpoint_auth_method: method,
        ...(secret === undefined ? {} : { client_secret: { env: method.toUpperCase() } }),
        ...(tlsOf(tls) === undefined ? {} : { tls: tlsOf(tls) }),
        scope: "accounts",
        ...GRANTS[grant]?.settings,
      };
      return [name, settings];
    }),
  );
  const rejected = {
    ...providers[nameOf("client_credentials", "client_secret_basic")],
    client_secret: { env: "WRONG" },
  };
  providers.rejected = rejected;
  const file = {
    version: 1,
    callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }] } },
    get_token: {
      session: "trust",
      values: {
        serverid: ["body:/serverid"],
        userid: ["body:/userid"],
        nonce: ["header:X-nonce"],
        user_token: ["header:X-User-Token"],
      },
    },
    signing: { issuer: proxyUrl, keys: [{ kid: "2026-11", alg: "ES256", private_key: { env: "SIGNING_KEY" } }] },
    providers,
    routes: Object.keys(providers).map((name) => ({ serverid: name, provider: name })),
  };
  const secrets = {
    APIKEY,
    WRONG: "not the secret",
    SIGNING_KEY: (await makeKey("ES256")).pem,
    CA: authority.certificate,
    CERT_CA: clientTls.certificate,
    KEY_CA: clientTls.private_key,
    CERT_SELF: selfSigned.certificate,
    KEY_SELF: selfSigned.private_key,
    ...Object.fromEntries(
      Object.entries(CLIENTS).flatMap(([method, { secret }]) =>
        secret === undefined ? [] : [[method.toUpperCase(), secret]],
      ),
    ),
  };
  host = await startHost(file, secrets, {
    port,
    trust: authority.certificate,
    mtls: { MTLS_CA: clientTls, MTLS_SELF: selfSigned },
  });
  const first = await call("custom grant", "client_secret_post", { userid: "carol" });
  expect(first.text).toContain("access_token");
  userToken = String(first.json().access_token);
});
afterAll(async () => {
  await host?.close();
  await server?.close();
});

function pairs() {
  return Object.keys(GRANTS).flatMap((grant) =>
    Object.keys(CLIENTS)
      // A client without proof has no token.
      .filter((method) => !(grant === "client_credentials" && method === "none"))
      .map((method) => ({ grant, method, name: nameOf(grant, method) })),
  );
}

function nameOf(grant: string, method: string): string {
  return `${grant}-${method}`.replaceAll(/[^a-z_-]/gi, "_");
}

function call(grant: string, method: string, changes: object = {}) {
  return callGetToken(host.url, {
    headers: { "X-User-Token": userToken },
    body: { ...CALL, serverid: nameOf(grant, method), ...changes },
  });
}

/** Expects that the response is what the server sent. @returns the verified claims of the token */
async function claimsOf(answer: Answered) {
  expect(answer.text).toContain("access_token");
  expect(answer.status).toBe(200);
  expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
  const keys = createLocalJWKSet(server.jwks);
  const expected = { issuer: server.issuer, audience: RESOURCE, algorithms: ["ES256"] };
  return (await jwtVerify(String(answer.json().access_token), keys, expected)).payload;
}

it.each(pairs())(
  "$grant with $method gives a token for the right subject, byte for byte",
  async ({ grant, method }) => {
    const { client_id } = CLIENTS[method] as (typeof CLIENTS)[string];
    const subject = GRANTS[grant]?.subject(client_id);
    expect(await claimsOf(await call(grant, method))).toMatchObject({ sub: subject, client_id, scope: "accounts" });
  },
);

it.each(["bøb@bank.example", "a&b=c+d% e"])("a token is for exactly the user of the call: %s", async (userid) => {
  expect((await claimsOf(await call("custom grant", "client_secret_basic", { userid }))).sub).toBe(userid);
});

it("signs again for every call, so that strict replay checks accept the second one", async () => {
  for (let i = 0; i < 3; i++) expect((await call("jwt-bearer", "private_key_jwt")).status).toBe(200);
});

it.each(["jwt-bearer", "custom grant"])("relays the refusal of a user, byte for byte: %s", async (grant) => {
  const answer = await call(grant, "private_key_jwt", { userid: "mallory" });
  expect([answer.status, answer.json().error]).toEqual([400, "invalid_grant"]);
  expect(answer.body.equals(server.sent.at(-1) as Buffer)).toBe(true);
});

it("reports a wrong client_secret as a rejection of this proxy", async () => {
  const answer = await callGetToken(host.url, { body: { ...CALL, serverid: "rejected" } });
  expect([answer.status, answer.json().error_code]).toEqual([502, "provider_rejected_proxy"]);
});
