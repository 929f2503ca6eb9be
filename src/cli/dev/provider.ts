// The embedded provider of dev mode: a small authorization server with one client and one grant. Not for production.

import { Hono } from "hono";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

/** The one grant it knows: a token for whatever user the client names. */
export const DEV_GRANT_TYPE = "urn:nextauth-token-proxy:dev:grant-type:userid";
export const DEV_CLIENT_ID = "token-proxy-dev";

const TOKEN_SECONDS = 300;
const KID = "dev";

export interface DevProvider {
  fetch(request: Request): Response | Promise<Response>;
  /** Where it turned out to listen; its metadata and tokens name it. */
  setIssuer(issuer: string): void;
  /** The bytes of its last token response, to compare them with what came out at the other end. */
  lastResponse(): string | undefined;
}

export async function createDevProvider(clientSecret: string): Promise<DevProvider> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: KID, alg: "ES256", use: "sig" };
  const expected = `Basic ${btoa(`${DEV_CLIENT_ID}:${clientSecret}`)}`;
  let issuer = "";
  let last: string | undefined;

  const app = new Hono();

  app.get("/.well-known/openid-configuration", (c) =>
    c.json({
      issuer,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      grant_types_supported: [DEV_GRANT_TYPE],
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
    }),
  );

  app.get("/jwks", (c) => c.json({ keys: [jwk] }));

  app.post("/token", async (c) => {
    if (c.req.header("authorization") !== expected) return c.json({ error: "invalid_client" }, 401);
    const form = new URLSearchParams(await c.req.text());
    if (form.get("grant_type") !== DEV_GRANT_TYPE) return c.json({ error: "unsupported_grant_type" }, 400);
    const userid = form.get("userid");
    if (userid === null) return c.json({ error: "invalid_request" }, 400);
    const token = await new SignJWT({ scope: form.get("scope") ?? "", accountid: form.get("accountid") ?? undefined })
      .setProtectedHeader({ alg: "ES256", kid: KID, typ: "at+jwt" })
      .setIssuer(issuer)
      .setSubject(userid)
      .setAudience("https://api.dev.example")
      .setIssuedAt()
      .setExpirationTime(`${TOKEN_SECONDS}s`)
      .sign(privateKey);
    // Spaces on purpose: they show that the app gets what stands here and not something like it.
    last = `{ "token_type": "Bearer",  "expires_in": ${TOKEN_SECONDS}, "access_token": "${token}" }\n`;
    return c.body(last, 200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  });

  return {
    fetch: app.fetch,
    setIssuer(url) {
      issuer = url;
    },
    lastResponse: () => last,
  };
}
