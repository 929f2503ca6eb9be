// The four ways of nextAuth's guide to reach backend resources, end to end: the app, the stand-in of the nextAuth Server, this
// proxy, a real authorization server (oidc-provider) and back, then a resource server with the middlewares of this package.

import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TokenService } from "../../src/cli/dev/nextauth-server.ts";
import { APIKEY } from "../support/call.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
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

/** With every character of base64 that a path has to encode. */
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
        scope: "openid accounts",
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

/** What the app gets of the resource server for a credential. */
async function use(path: "/session" | "/accounts", credential: string) {
  const response = await fetch(resources.url + path, { headers: { Authorization: `Bearer ${credential}` } });
  const text = await response.text();
  return { status: response.status, text, challenge: response.headers.get("www-authenticate") };
}

async function tokenThroughTheSdk(nonce = login()): Promise<string> {
  const { status, bytes } = await nextauth.getToken(SERVERID, nonce, service);
  expect(status).toBe(200);
  return JSON.parse(new TextDecoder().decode(bytes)).access_token;
}

describe(`way 1 on ${RUNTIME}: the webNonce at a resource server`, () => {
  it("is good while its session is logged in, for its user and account", async () => {
    const webNonce = login();
    expect(await use("/session", webNonce)).toMatchObject({ status: 200, text: '{"userid":"alice","accountid":7}' });
    nextauth.logout(SERVERID, webNonce);
    const refused = await use("/session", webNonce);
    expect(refused.status).toBe(401);
    expect(refused.challenge).toContain('error="invalid_token"');
  });

  it("is asked about at one segment of the path, percent-encoded", async () => {
    nextauth.requests.length = 0;
    const webNonce = login();
    await use("/session", webNonce);
    expect(nextauth.requests).toMatchObject([
      { method: "GET", target: "/servers/a%2B%2Fb%3D/sessions/", headers: { "x-nonce": webNonce } },
    ]);
  });
});

describe(`way 2 on ${RUNTIME}: the webNonce exchanged for a token`, () => {
  it("gives an app with a standard OAuth client library a token that its resource server takes", async () => {
    const server: oauth.AuthorizationServer = { issuer: proxy.url, token_endpoint: `${proxy.url}/token` };
    const client: oauth.Client = { client_id: "the-app" };
    const callback = new URL(`https://app.example/callback?${new URLSearchParams({ code: login() })}`);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      oauth.validateAuthResponse(server, client, callback, oauth.skipStateCheck),
      "https://app.example/callback",
      oauth.generateRandomCodeVerifier(),
      { [oauth.allowInsecureRequests]: true },
    );
    const bytes = Buffer.from(await response.clone().arrayBuffer());
    expect(bytes.equals(authorization.sent.at(-1) as Buffer)).toBe(true);
    const { access_token } = await oauth.processAuthorizationCodeResponse(server, client, response);
    expect(await use("/accounts", access_token)).toMatchObject({ status: 200, text: '{"sub":"alice"}' });
  });
});

describe(`way 3 on ${RUNTIME}: a token through the SDK`, () => {
  it("delivers the provider's bytes to the app, and the token in them is good", async () => {
    const { status, bytes } = await nextauth.getToken(SERVERID, login(), service);
    expect(status).toBe(200);
    expect(Buffer.from(bytes).equals(authorization.sent.at(-1) as Buffer)).toBe(true);
    const { access_token } = JSON.parse(new TextDecoder().decode(bytes));
    expect(await use("/accounts", access_token)).toMatchObject({ status: 200, text: '{"sub":"alice"}' });
  });

  it("delivers none for a session that is logged out while the call is under way", async () => {
    const nonce = login();
    nextauth.answer = () => {
      nextauth.answer = undefined;
      nextauth.logout(SERVERID, nonce);
      return Response.json({ loggedin: false });
    };
    const { status, bytes } = await nextauth.getToken(SERVERID, nonce, service);
    expect(status).toBe(403);
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ error_code: "session_not_logged_in" });
  });

  it("delivers the provider's no for this user", async () => {
    const nonce = nextauth.login(SERVERID, { userid: "mallory", accountid: 9 });
    const { status, bytes } = await nextauth.getToken(SERVERID, nonce, service);
    expect(status).toBe(400);
    expect(Buffer.from(bytes).equals(authorization.sent.at(-1) as Buffer)).toBe(true);
    expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ error: "invalid_grant" });
  });
});

describe(`way 4 on ${RUNTIME}: the token checked at the resource server`, () => {
  const encode = (value: object | string) =>
    Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
  const now = () => Math.floor(Date.now() / 1000);

  async function expectRefused(token: string): Promise<void> {
    const { status, challenge } = await use("/accounts", token);
    expect(status).toBe(401);
    expect(challenge).toMatch(/^Bearer realm=".+", error="invalid_token", error_description=".+"$/);
  }

  /** The token with one bit of one of its parts changed. */
  function withBitChanged(token: string, part: 0 | 1 | 2, bit: number): string {
    const parts = token.split(".");
    const bytes = Buffer.from(parts[part] as string, "base64url");
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    parts[part] = bytes.toString("base64url");
    return parts.join(".");
  }

  it("is refused after a change of one bit of the signature", async () => {
    const token = await tokenThroughTheSdk();
    for (let bit = 0; bit < 512; bit += process.env.SOAK === "1" ? 1 : 37)
      await expectRefused(withBitChanged(token, 2, bit));
  });

  it("is refused after a change of one bit of the claims", async () => {
    const token = await tokenThroughTheSdk();
    const length = Buffer.from(token.split(".")[1] as string, "base64url").length * 8;
    for (let bit = 0; bit < length; bit += 37) await expectRefused(withBitChanged(token, 1, bit));
  });

  it("is refused with the algorithm none", async () => {
    const [, claims] = (await tokenThroughTheSdk()).split(".");
    for (const alg of ["none", "None", "NONE", ""]) {
      await expectRefused(`${encode({ alg, kid: "first", typ: "at+jwt" })}.${claims}.`);
    }
  });

  it("is refused with HS256 and the public key as the secret", async () => {
    const [, claims] = (await tokenThroughTheSdk()).split(".");
    const { createHmac, createPublicKey } = await import("node:crypto");
    const jwk = authorization.jwks.keys[0] as object;
    const key = createPublicKey({ key: jwk as import("node:crypto").JsonWebKey, format: "jwk" });
    const pem = key.export({ type: "spki", format: "pem" }) as string;
    const der = key.export({ type: "spki", format: "der" });
    const input = `${encode({ alg: "HS256", kid: "first", typ: "at+jwt" })}.${claims}`;
    for (const secret of [pem, pem.trim(), der, JSON.stringify(jwk)]) {
      const signature = createHmac("sha256", secret).update(input).digest("base64url");
      await expectRefused(`${input}.${signature}`);
    }
  });

  const good = () => ({ iss: authorization.issuer, sub: "alice", aud: RESOURCE, iat: now(), exp: now() + 60 });

  it.each<[string, () => object]>([
    ["another audience", () => ({ ...good(), aud: "https://other.bank.example" })],
    ["an audience that only begins alike", () => ({ ...good(), aud: `${RESOURCE}.evil.example` })],
    ["no audience", () => ({ ...good(), aud: undefined })],
    ["another issuer", () => ({ ...good(), iss: `${authorization.issuer}/` })],
    ["an exp that is over", () => ({ ...good(), iat: now() - 120, exp: now() - 60 })],
    ["no exp", () => ({ ...good(), exp: undefined })],
    ["an nbf to come", () => ({ ...good(), nbf: now() + 60 })],
  ])("is refused with %s, though the issuer signed it", async (_what, claims) => {
    expect((await use("/accounts", await authorization.sign(good()))).status).toBe(200);
    await expectRefused(await authorization.sign(claims() as Parameters<AuthorizationServer["sign"]>[0]));
  });

  it("is refused as a webNonce, and a webNonce as a token", async () => {
    expect((await use("/session", await tokenThroughTheSdk())).status).toBe(401);
    await expectRefused(login());
  });

  // The last one: the authorization server is another afterwards.
  it("is refused once its key is rolled out of the JWKS, and one of the new key is taken at once", async () => {
    const old = await tokenThroughTheSdk();
    expect((await use("/accounts", old)).status).toBe(200);
    const { port } = new URL(authorization.issuer);
    await authorization.close();
    authorization = await startAuthorizationServer({ port: Number(port), kid: "second" });
    expect((await use("/accounts", await tokenThroughTheSdk())).status).toBe(200);
    await new Promise((done) => setTimeout(done, CACHE_MAX_AGE_MS));
    await expectRefused(old);
    expect((await use("/accounts", await tokenThroughTheSdk())).status).toBe(200);
  });
});
