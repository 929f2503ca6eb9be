// The embedded provider of dev mode: a token endpoint for one client and one grant.

import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import { SignJWT } from "jose";
import { parseConfig } from "../../config/parse.ts";
import { createNodeCredentialHost } from "../../node/credentials.ts";
import { listen } from "../../node/inbound/listener.ts";

const CLIENT_ID = "token-proxy-dev";
const TOKEN_SECONDS = 300;

/** @returns how to close it, and the configuration of a proxy for it */
export async function startDevProvider() {
  const clientSecret = randomBytes(24).toString("hex");
  const key = randomBytes(32);
  const app = new Hono();
  app.post("/token", async (c) => {
    const isClient = c.req.header("authorization") === `Basic ${btoa(`${CLIENT_ID}:${clientSecret}`)}`;
    if (!isClient) return c.json({ error: "invalid_client" }, 401);
    const { userid = "", accountid, scope } = Object.fromEntries(new URLSearchParams(await c.req.text()));
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { iss: new URL(c.req.url).origin, sub: userid, aud: "https://api.dev.example", scope, accountid };
    const token = await new SignJWT({ ...claims, iat, exp: iat + TOKEN_SECONDS })
      .setProtectedHeader({ alg: "HS256", typ: "at+jwt" })
      .sign(key);
    // The odd spaces show that the app receives these very bytes.
    const body = `{ "token_type": "Bearer",  "expires_in": ${TOKEN_SECONDS}, "access_token": "${token}" }\n`;
    return c.body(body, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  });
  const { url, close } = await listen(app.fetch, { host: "127.0.0.1", port: 0 }, "the embedded provider");
  const host = createNodeCredentialHost({ CLIENT_SECRET: clientSecret }, ".");
  return { url, close, load: () => ({ file: parseConfig(configFor(url), "dev mode"), host }) };
}

/** Dev mode replaces what concerns the nextAuth Server. */
const configFor = (url: string) => `
version: 1
callers: { nextauth-server: { apikeys: [{ env: REPLACED }], serverids: [ZGV2] } }
nextauth: { url: "http://127.0.0.1", apikey: { env: REPLACED }, serverid: ZGV2 }
webnonce_exchange: { path: /token }
providers:
  dev:
    token_endpoint: ${url}/token
    client_id: ${CLIENT_ID}
    client_secret: { env: CLIENT_SECRET }
    grant_type: urn:nextauth-token-proxy:dev:grant-type:userid
    scope: openid
    params: { userid: "{{userid}}", accountid: "{{accountid}}" }
log: { level: warn }
`;
