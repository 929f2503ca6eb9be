// The file that broken setups with glewlwyd start from.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import { administer, CLIENT_SECRET, GLEWLWYD, PASSWORD } from "./glewlwyd.ts";

export const GLEWLWYD_ADAPTER: Adapter = {
  product: GLEWLWYD,
  async prepare(server, proxy) {
    proxy.hosts["https://sso.bank.example"] = server.url;
    const admin = await administer(server);
    await admin.setUp(["alice"]);
    await admin.createClient("token-proxy", "client_secret_basic");
    return proxy.file("glewlwyd.yaml");
  },
  async baseOf(_name, { url }, proxy): Promise<Base> {
    const file = proxy.file("glewlwyd.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    const glewlwyd = merge(provider, { params: { password: { env: "PASSWORD" } } });
    const issuer = `${url}/api/oidc`;
    return {
      file: { ...file, providers: { glewlwyd } },
      env: { CLIENT_SECRET, PASSWORD },
      place: { url, issuer, tokenEndpoint: `${issuer}/token` },
    };
  },
};
