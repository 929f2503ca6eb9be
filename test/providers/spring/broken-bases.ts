// The files that the broken setups with Spring Authorization Server start from.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import { type Client, SOURCES, spring } from "./spring.ts";

const CLIENT_SECRET = "s3cret +/%:&";

const clients: Record<string, Client> = {
  client_secret_basic: {
    method: "client_secret_basic",
    secret: `{noop}${CLIENT_SECRET}`,
    grants: ["urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:token-exchange"],
  },
};

const BASES: Record<string, Settings> = {
  "jwt grant": {},
  client_secret_basic: {
    client_id: "client_secret_basic",
    client_secret: { env: "CLIENT_SECRET" },
    token_endpoint_auth_method: "client_secret_basic",
  },
};

export const SPRING_ADAPTER: Adapter = {
  product: spring(() => clients),
  sources: SOURCES,
  beforeStart(proxy) {
    const jwks = `${proxy.issuer}/.well-known/jwks.json`;
    clients["token-proxy"] = { method: "private_key_jwt", jwks, alg: "ES256" };
  },
  async prepare(server, proxy) {
    proxy.hosts["https://as.bank.example"] = server.url;
    return proxy.file("spring-authorization-server.yaml");
  },
  async baseOf(name, { url }, proxy): Promise<Base> {
    const file = proxy.file("spring-authorization-server.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    return {
      file: { ...file, providers: { spring: merge(provider, BASES[name] as Settings) } },
      env: { CLIENT_SECRET },
      place: { url, issuer: url, tokenEndpoint: `${url}/oauth2/token` },
    };
  },
};
