// The four ways of nextAuth's guide to reach backend resources: app, stand-in of the nextAuth
// Server, this proxy, a real authorization server (oidc-provider), and a resource server with the
// middlewares of this package.

import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY } from "../support/call.ts";
import { type Host, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import {
  type AuthorizationServer,
  RESOURCE,
  SPECIAL,
  startAuthorizationServer,
  USER_GRANT,
} from "../support/oidc-provider.ts";
import { freePort } from "../support/port.ts";
import { type ResourceServer, startResourceServer } from "../support/resource-server-host.ts";
import type { TokenService } from "../support/stand-in.ts";

/** Has every character of Base64 that a path must encode. */
const SERVERID = "a+/b=";
const CACHE_MAX_AGE_MS = 500;

let nextauth: NextAuthServer;
let authorization: AuthorizationServer;
let proxy: Host;
let resources: ResourceServer;
let service: TokenService;

beforeAll(async () => {
  nextauth = await startNextAuthServer({ [SERVERID]: { apikey: NEXTAUTH_APIKEY } });
  authorization = await startAuthorizationServer({ port: await freePort(), kid: "first" });
  const file = {
    version: 1,
    server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" },
    callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }], serverids: [SERVERID] } },
    nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
    webnonce_exchange: {},
    providers: {
      main: {
        issuer: authorization.issuer,
        client_id: SPECIAL.client_id,
        client_secret: { env: "CLIENT_SECRET" },
        grant_type: USER_GRANT,
        scope: "accounts",
        params: { userid: "{{userid}}", nonce: "{{accountid}}" },
        expect_subject: "access_token.sub",
      },
    },
  };
  proxy = await startHost(
    file,
    { APIKEY, NEXTAUTH_APIKEY, CLIENT_SECRET: SPECIAL.client_secret },
    { rateLimits: { WEBNONCE_EXCHANGE_PER_ADDRESS: 1_000, WEBNONCE_EXCHANGE_PER_WEBNONCE: 1_000 } },
  );
  service = { url: proxy.url, apikey: APIKEY };
  resources = await startResourceServer({
    nextauth: { url: nextauth.url, apikey: NEXTAUTH_APIKEY, serverid: SERVERID },
    issuer: authorization.issuer,
    audience: RESOURCE,
    algorithm: "ES256",
    jwks_uri: `${authorization.issuer}/jwks`,
    cacheMaxAge: CACHE_MAX_AGE_MS,
  });
});
afterAll(async () => {
  await resources?.close();
  await proxy?.close();
  await authorization?.close();
  await nextauth?.close();
});

const login = () => nextauth.login(SERVERID, ALICE);

/** What the resource server answers to an app with this credential. */
async function use(path: "/session" | "/accounts", credential: string) {
  const response = await fetch(resources.url + path, { headers: { Authorization: `Bearer ${credential}` } });
  const text = await response.text();
  return { status: response.status, text, challenge: response.headers.get("www-authenticate") };
}

async function tokenThroughTheSdk(): Promise<string> {
  const { status, bytes } = await nextauth.getToken(SERVERID, login(), service);
  expect(status).toBe(200);
  return JSON.parse(new TextDecoder().decode(bytes)).access_token;
}

it("way 1: the resource server accepts a webNonce while its session is logged in", async () => {
  const webNonce = login();
  nextauth.requests.length = 0;
  expect(await use("/session", webNonce)).toMatchObject({ status: 200, text: '{"userid":"alice","accountid":7}' });
  expect(nextauth.requests.map(({ target }) => target)).toEqual(["/servers/a%2B%2Fb%3D/sessions/"]);
  nextauth.logout(SERVERID, webNonce);
  const refused = await use("/session", webNonce);
  expect(refused.status).toBe(401);
  expect(refused.challenge).toContain('error="invalid_token"');
});

describe("way 2: an app with a standard OAuth client library exchanges its webNonce", () => {
  async function tokenFor(code: string, verifier: string | typeof oauth.nopkce) {
    const server: oauth.AuthorizationServer = { issuer: proxy.url, token_endpoint: `${proxy.url}/token` };
    const client: oauth.Client = { client_id: "the-app" };
    const callback = new URL(`https://app.example/callback?${new URLSearchParams({ code })}`);
    const parameters = oauth.validateAuthResponse(server, client, callback, oauth.skipStateCheck);
    const insecure = { [oauth.allowInsecureRequests]: true };
    const redirect = "https://app.example/callback";
    const none = oauth.None();
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      none,
      parameters,
      redirect,
      verifier,
      insecure,
    );
    const bytes = Buffer.from(await response.clone().arrayBuffer());
    return { bytes, ...(await oauth.processAuthorizationCodeResponse(server, client, response)) };
  }

  it("and gets a token, with PKCE and without", async () => {
    for (const verifier of [oauth.generateRandomCodeVerifier(), oauth.nopkce] as const) {
      const { bytes, access_token } = await tokenFor(login(), verifier);
      expect(bytes.equals(authorization.sent.at(-1) as Buffer)).toBe(true);
      expect(await use("/accounts", access_token)).toMatchObject({ status: 200, text: '{"sub":"alice"}' });
    }
  });

  it("and gets invalid_grant if it is not logged in", async () => {
    await expect(tokenFor("unknown", oauth.nopkce)).rejects.toMatchObject({ error: "invalid_grant", status: 400 });
  });
});

it("way 3: the SDK gets the provider's bytes, and the token in them is good", async () => {
  const { status, bytes } = await nextauth.getToken(SERVERID, login(), service);
  expect(status).toBe(200);
  expect(Buffer.from(bytes).equals(authorization.sent.at(-1) as Buffer)).toBe(true);
  const { access_token } = JSON.parse(new TextDecoder().decode(bytes));
  expect(await use("/accounts", access_token)).toMatchObject({ status: 200, text: '{"sub":"alice"}' });
});

describe("way 4: the resource server refuses a token", () => {
  async function expectRefused(token: string): Promise<void> {
    const { status, challenge } = await use("/accounts", token);
    expect(status).toBe(401);
    expect(challenge).toMatch(/^Bearer realm=".+", error="invalid_token", error_description=".+"$/);
  }

  it("with one changed bit in its signature", async () => {
    const [header, claims, signature] = (await tokenThroughTheSdk()).split(".");
    const bytes = Buffer.from(signature as string, "base64url");
    bytes[7] = (bytes[7] as number) ^ 1;
    await expectRefused(`${header}.${claims}.${bytes.toString("base64url")}`);
  });

  it("in place of a webNonce, and a webNonce in place of a token", async () => {
    expect((await use("/session", await tokenThroughTheSdk())).status).toBe(401);
    await expectRefused(login());
  });

  // The last test: it replaces the authorization server.
  it("of a key that left the JWKS, and accepts one of the new key at once", async () => {
    const old = await tokenThroughTheSdk();
    expect((await use("/accounts", old)).status).toBe(200);
    const { port } = new URL(authorization.issuer);
    await authorization.close();
    authorization = await startAuthorizationServer({ port: Number(port), kid: "second" });
    expect((await use("/accounts", await tokenThroughTheSdk())).status).toBe(200);
    await expect.poll(async () => (await use("/accounts", old)).status).toBe(401);
    expect((await use("/accounts", await tokenThroughTheSdk())).status).toBe(200);
  });
});
