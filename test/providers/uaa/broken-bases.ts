// The file that broken setups with UAA start from.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import { uaa } from "./uaa.ts";

const CLIENT_SECRET = "s3cret +/%&";

export const UAA_ADAPTER: Adapter = {
  product: uaa(() => ({
    "token-proxy": {
      secret: CLIENT_SECRET,
      "authorized-grant-types": "urn:ietf:params:oauth:grant-type:jwt-bearer",
      scope: "openid",
      authorities: "uaa.none",
    },
  })),
  alg: "RS256",
  async prepare(server, proxy) {
    proxy.hosts["https://uaa.bank.example"] = server.url;
    return proxy.file("uaa.yaml");
  },
  async baseOf(_name, { url }, proxy): Promise<Base> {
    const file = proxy.file("uaa.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    const own = merge(provider, { client_secret: { env: "CLIENT_SECRET" } });
    const issuer = `${url}/oauth/token`;
    return {
      file: { ...file, providers: { uaa: own } },
      env: { CLIENT_SECRET },
      place: { url, issuer, tokenEndpoint: issuer },
    };
  },
};
