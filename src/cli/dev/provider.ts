// The embedded provider of dev mode: an authorization server with one client and one grant.

import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** Its only grant: a token for the user that the client names. */
export const DEV_GRANT_TYPE = "urn:nextauth-token-proxy:dev:grant-type:userid";
export const DEV_CLIENT_ID = "token-proxy-dev";

const TOKEN_SECONDS = 300;
const HEADER = { alg: "ES256", kid: "dev" };

/** The issuer is the origin at which it is called. */
export async function createDevProvider(clientSecret: string) {
  const { publicKey, privateKey } = await generateKeyPair(HEADER.alg);
  const jwk = { ...(await exportJWK(publicKey)), ...HEADER, use: "sig" };
  const expected = `Basic ${btoa(`${DEV_CLIENT_ID}:${clientSecret}`)}`;
  let lastResponse: string | undefined;

  const app = new Hono();
  app.get("/.well-known/openid-configuration", (c) => {
    const { origin } = new URL(c.req.url);
    return c.json({
      issuer: origin,
      token_endpoint: `${origin}/token`,
      jwks_uri: `${origin}/jwks`,
      grant_types_supported: [DEV_GRANT_TYPE],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
    });
  });
  app.get("/jwks", (c) => c.json({ keys: [jwk] }));
  app.post("/token", async (c) => {
    if (c.req.header("authorization") !== expected) return c.json({ error: "invalid_client" }, 401);
    const form = new URLSearchParams(await c.req.text());
    if (form.get("grant_type") !== DEV_GRANT_TYPE) return c.json({ error: "unsupported_grant_type" }, 400);
    const userid = form.get("userid");
    if (userid === null) return c.json({ error: "invalid_request" }, 400);
    const token = await new SignJWT({ scope: form.get("scope") ?? "", accountid: form.get("accountid") ?? undefined })
      .setProtectedHeader({ ...HEADER, typ: "at+jwt" })
      .setIssuer(new URL(c.req.url).origin)
      .setSubject(userid)
      .setAudience("https://api.dev.example")
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(privateKey);
    // The odd spaces show that the app receives these very bytes.
    lastResponse = `{ "token_type": "Bearer",  "expires_in": ${TOKEN_SECONDS}, "access_token": "${token}" }\n`;
    return c.body(lastResponse, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  });
  /** The text of its last token response, to compare it with what the app receives. */
  return { fetch: app.fetch, lastResponse: () => lastResponse };
}
