// A second authorization server beside Keycloak: home, whose tokens Keycloak takes.

import { type AuthorizationServer, SPECIAL, startAuthorizationServer } from "../../support/oidc-provider.ts";
import type { ProviderProxy } from "../proxy.ts";

export const HOME_SECRETS = { HOME_CLIENT_SECRET: SPECIAL.client_secret };

/** Starts home, which trusts the proxy; the examples lead to it from now on. */
export async function startHome(proxy: ProviderProxy): Promise<AuthorizationServer> {
  const home = await startAuthorizationServer({ trusted: proxy.issuer, kid: "home" });
  proxy.hosts["https://home.bank.example"] = home.issuer;
  proxy.hosts["    client_id: token-proxy\n    client_secret: { env: HOME"] =
    `    client_id: ${JSON.stringify(SPECIAL.client_id)}\n    client_secret: { env: HOME`;
  return home;
}
