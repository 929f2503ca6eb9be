// The file that the broken setups with mock-oauth2-server start from.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import { MOCK } from "./mock.ts";

export const MOCK_ADAPTER: Adapter = {
  product: MOCK,
  async prepare(server, proxy) {
    proxy.hosts["https://mock.bank.example"] = server.url;
    return proxy.file("mock-oauth2-server.yaml");
  },
  async baseOf(_name, { url }, proxy): Promise<Base> {
    const { providers, ...file } = proxy.file("mock-oauth2-server.yaml");
    const issuer = `${url}/retail`;
    return {
      file: { ...file, providers },
      env: { CLIENT_SECRET: "any secret" },
      place: { url, issuer, tokenEndpoint: `${issuer}/token` },
    };
  },
};
