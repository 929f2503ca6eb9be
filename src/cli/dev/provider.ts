// The embedded provider of dev mode: an authorization server with one client and one grant.

import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { parseConfig } from "../../config/parse.ts";
import { createNodeCredentialHost } from "../../node/credentials.ts";
import { listen } from "../../node/inbound/listener.ts";

/** Its only grant: a token for the user that the client names. */
const GRANT_TYPE = "urn:nextauth-token-proxy:dev:grant-type:userid";
const CLIENT_ID = "token-proxy-dev";

const TOKEN_SECONDS = 300;
const HEADER = { alg: "ES256", kid: "dev" };

/** The issuer is the origin at which it is called. */
export async function startDevProvider() {
  const clientSecret = randomBytes(24).toString("hex");
  const { publicKey, privateKey } = await generateKeyPair(HEADER.alg);
  const jwk = { ...(await exportJWK(publicKey)), ...HEADER, use: "sig" };
  const expected = `Basic ${btoa(`${CLIENT_ID}:${clientSecret}`)}`;
  let lastResponse: string | undefined;

  const app = new Hono();
  app.get("/.well-known/openid-configuration", (c) => {
    const { origin } = new URL(c.req.url);
    return c.json({
      issuer: origin,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      grant_types_supported: [GRANT_TYPE],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
    });
  });
  app.get("/jwks", (c) => c.json({ keys: [jwk] }));
  app.post("/token", async (c) => {
    if (c.req.header("authorization") !== expected) return c.json({ error: "invalid_client" }, 401);
    const form = new URLSearchParams(await c.req.text());
    if (form.get("grant_type") !== GRANT_TYPE) return c.json({ error: "unsupported_grant_type" }, 400);
    const userid = form.get("userid");
    if (userid === null) return c.json({ error: "invalid_request" }, 400);
    const { scope = "", accountid } = Object.fromEntries(form);
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { iss: new URL(c.req.url).origin, sub: userid, aud: "https://api.dev.example", scope, accountid };
    const token = await new SignJWT({ ...claims, iat, exp: iat + TOKEN_SECONDS })
      .setProtectedHeader({ ...HEADER, typ: "at+jwt" })
      .sign(privateKey);
    // The odd spaces show that the app receives these very bytes.
    lastResponse = `{ "token_type": "Bearer",  "expires_in": ${TOKEN_SECONDS}, "access_token": "${token}" }\n`;
    return c.body(lastResponse, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  });
  const { url, close } = await listen(app.fetch, { host: "127.0.0.1", port: 0 }, "the embedded provider");
  const host = createNodeCredentialHost({ CLIENT_SECRET: clientSecret }, ".");
  return {
    url,
    close,
    /** The text of its last token response, to compare it with what the app receives. */
    lastResponse: () => lastResponse,
    /** The configuration of a proxy for it. */
    load: () => ({ file: parseConfig(configFor(url), "dev mode"), host }),
  };
}

/** Dev mode replaces what concerns the nextAuth Server. */
const configFor = (issuer: string) => `
version: 1
callers: { nextauth-server: { apikeys: [{ env: REPLACED }], serverids: [ZGV2] } }
nextauth: { url: "http://127.0.0.1", apikey: { env: REPLACED }, serverid: ZGV2 }
webnonce_exchange: { path: /token }
providers:
  dev:
    issuer: ${issuer}
    client_id: ${CLIENT_ID}
    client_secret: { env: CLIENT_SECRET }
    grant_type: ${GRANT_TYPE}
    scope: openid
    params: { userid: "{{userid}}", accountid: "{{accountid}}" }
log: { level: warn }
`;
