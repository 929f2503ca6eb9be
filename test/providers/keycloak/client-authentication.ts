// Every client authentication method and algorithm that Keycloak has: client and settings.

import type { Case } from "../cases.ts";
import type { ProviderProxy, Settings } from "../proxy.ts";
import { clientOf } from "./keycloak.ts";

const KEY_ALGORITHMS = ["ES256", "ES384", "PS256", "RS256", "EdDSA"] as const;
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"] as const;

export interface Method {
  /** How the client is registered. */
  client: object;
  test: Case;
}

/** @param tls the settings for a client certificate */
export async function clientAuthenticationMethods(proxy: ProviderProxy, tls: Settings): Promise<Method[]> {
  const keys = await Promise.all(
    KEY_ALGORITHMS.map(async (alg) => {
      const { entry, jwk } = await proxy.key(`client-${alg}`, alg);
      const client = clientOf(`key-${alg}`, {
        clientAuthenticatorType: "client-jwt",
        attributes: {
          "token.endpoint.auth.signing.alg": alg,
          "use.jwks.string": "true",
          "jwks.string": JSON.stringify({ keys: [jwk] }),
        },
      });
      const provider = { token_endpoint_auth_method: "private_key_jwt", client_secret: null, client_key: entry };
      return method(`private_key_jwt with ${alg}`, client, provider);
    }),
  );
  return [
    ...["client_secret_basic", "client_secret_post"].map((name) =>
      method(name, clientOf(name), { token_endpoint_auth_method: name }),
    ),
    ...SECRET_ALGORITHMS.map((alg) =>
      method(
        `client_secret_jwt with ${alg}`,
        clientOf(`secret-${alg}`, {
          clientAuthenticatorType: "client-secret-jwt",
          secret: LONG_SECRET,
          attributes: { "token.endpoint.auth.signing.alg": alg },
        }),
        {
          token_endpoint_auth_method: "client_secret_jwt",
          client_secret: { env: "LONG_SECRET" },
          client_assertion: { alg },
        },
      ),
    ),
    ...keys,
    method(
      "tls_client_auth",
      clientOf("tls", { clientAuthenticatorType: "client-x509", attributes: { "x509.subjectdn": "CN=token-proxy" } }),
      { token_endpoint_auth_method: "tls_client_auth", client_secret: null, ...tls },
    ),
  ];
}

/** Long enough for HS512. */
export const LONG_SECRET = "a secret of 64 bytes, as RFC 7518 wants it for HS512 and no less.";

function method(name: string, client: { clientId: string }, provider: Settings): Method {
  return { client, test: { name, provider: { client_id: client.clientId, ...provider }, expected: "token" } };
}
