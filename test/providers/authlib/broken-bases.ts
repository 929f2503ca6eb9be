// The files that the broken setups with Authlib start from.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import { authlib, CLIENT_SECRET, clientOf, PASSWORD } from "./authlib.ts";

const BASES: Record<string, Settings> = {
  "jwt grant": {},
  password: {
    client_id: "basic",
    client_secret: { env: "CLIENT_SECRET" },
    token_endpoint_auth_method: "client_secret_basic_raw",
    grant_type: "password",
    jwt: undefined,
    params: { username: "{{userid}}", password: { env: "PASSWORD" } },
  },
};

export const AUTHLIB_ADAPTER: Adapter = {
  product: authlib(() => [clientOf("token-proxy", "none"), clientOf("basic", "client_secret_basic", CLIENT_SECRET)]),
  async prepare(server, proxy) {
    proxy.hosts["https://as.bank.example"] = server.url;
    return proxy.file("authlib.yaml");
  },
  async baseOf(name, { url }, proxy): Promise<Base> {
    const file = proxy.file("authlib.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    return {
      file: { ...file, providers: { authlib: merge(provider, BASES[name] as Settings) } },
      env: { CLIENT_SECRET, PASSWORD },
      place: { url, issuer: url, tokenEndpoint: `${url}/token` },
    };
  },
};
