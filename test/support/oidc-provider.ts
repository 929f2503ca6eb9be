// A real authorization server on loopback: the certified oidc-provider, with clients for each authentication method.

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair } from "jose";
import { errors, Provider } from "oidc-provider";

/** Issues a token whose subject is the `userid` of the request, for a client that is trusted with that. */
export const USER_GRANT = "urn:bank.example:grant-type:nextauth";
export const RESOURCE = "https://api.bank.example";
const TOKEN_SECONDS = 600;

/** Every character that is special in a form, in HTTP Basic or in a URL, as far as RFC 6749 App. A lets a client have it. */
export const SPECIAL = { client_id: "a% +:&=/?#'\"~b", client_secret: "s% +:&=/?#'\"~!*()-._t" };
export const POST_CLIENT = { client_id: "post-client", client_secret: "secret & more" };
export const PUBLIC_CLIENT = { client_id: "public-client" };

export interface AuthorizationServer {
  issuer: string;
  /** Of each token response that it sent: the body's bytes. */
  sent: Buffer[];
  close(): Promise<void>;
}

export async function startAuthorizationServer(): Promise<AuthorizationServer> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const client = {
    grant_types: ["client_credentials", USER_GRANT],
    redirect_uris: [],
    response_types: [],
    scope: "openid accounts",
    id_token_signed_response_alg: "ES256" as const,
  };
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "sig" }] },
    scopes: ["openid", "accounts"],
    ttl: { AccessToken: TOKEN_SECONDS, ClientCredentials: TOKEN_SECONDS },
    clients: [
      { ...client, ...SPECIAL, token_endpoint_auth_method: "client_secret_basic" },
      { ...client, ...POST_CLIENT, token_endpoint_auth_method: "client_secret_post" },
      { ...client, ...PUBLIC_CLIENT, token_endpoint_auth_method: "none", grant_types: [USER_GRANT] },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({
          scope: "openid accounts",
          audience: RESOURCE,
          accessTokenFormat: "jwt",
          accessTokenTTL: TOKEN_SECONDS,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    extraTokenClaims: (ctx) => ({ nonce: ctx.oidc.params?.nonce as string | undefined }),
  });

  provider.registerGrantType(
    USER_GRANT,
    async (ctx) => {
      const { client, params, provider: self } = ctx.oidc;
      const { userid, scope } = params as Record<string, string | undefined>;
      if (userid === undefined) throw new errors.InvalidRequest("userid is missing");
      if (userid === "mallory") throw new errors.InvalidGrant("no such user");
      const token = new self.AccessToken({ accountId: userid, client, gty: "user", scope } as never);
      token.resourceServer = new self.ResourceServer(RESOURCE, {
        scope: "openid accounts",
        audience: RESOURCE,
        accessTokenFormat: "jwt",
        accessTokenTTL: TOKEN_SECONDS,
        jwt: { sign: { alg: "ES256" } },
      });
      const value = await token.save();
      ctx.body = { access_token: value, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope };
    },
    ["userid", "nonce", "scope"],
  );

  const sent: Buffer[] = [];
  const handle = provider.callback();
  server.on("request", (request, response) => {
    const end = response.end.bind(response);
    // biome-ignore lint/suspicious/noExplicitAny: the overloads of end are of no interest here
    response.end = ((chunk?: any, ...rest: any[]) => {
      if (request.url === "/token" && chunk) sent.push(Buffer.from(chunk));
      return end(chunk, ...rest);
    }) as typeof response.end;
    void handle(request, response);
  });

  return {
    issuer,
    sent,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
