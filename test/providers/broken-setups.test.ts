// The table of broken setups, against the real servers.

import { beforeAll, describe } from "vitest";
import { AUTHLIB_ADAPTER } from "./authlib/broken-bases.ts";
import { type Adapter, testSetups } from "./broken/adapter.ts";
import { BROKEN_SETUPS, type BrokenSetup, type Server } from "./broken-setups.ts";
import { GLEWLWYD_ADAPTER } from "./glewlwyd/broken-bases.ts";
import { HYDRA_ADAPTER } from "./hydra/broken-bases.ts";
import { install } from "./install.ts";
import { KEYCLOAK_ADAPTER } from "./keycloak/broken-bases.ts";
import { MOCK_ADAPTER } from "./mock-oauth2-server/broken-bases.ts";
import { useProxy } from "./proxy.ts";
import { useServer } from "./server.ts";
import { SPRING_ADAPTER } from "./spring/broken-bases.ts";
import { UAA_ADAPTER } from "./uaa/broken-bases.ts";

const ADAPTERS: Partial<Record<Server, Adapter>> = {
  keycloak: KEYCLOAK_ADAPTER,
  hydra: HYDRA_ADAPTER,
  spring: SPRING_ADAPTER,
  mock: MOCK_ADAPTER,
  uaa: UAA_ADAPTER,
  glewlwyd: GLEWLWYD_ADAPTER,
  authlib: AUTHLIB_ADAPTER,
};
/** The proxy that publishes the keys does not use them. */
const SECRETS = {
  CLIENT_SECRET: "unused",
  KEYCLOAK_CLIENT_SECRET: "unused",
  HYDRA_CLIENT_SECRET: "unused",
  TECHNICAL_PASSWORD: "unused",
  UAA_CLIENT_SECRET: "unused",
};

for (const [name, adapter] of Object.entries(ADAPTERS)) {
  const { product, sources } = adapter;
  const installed = await install(product, sources);

  describe.skipIf(installed === undefined)(`with ${product.name} ${product.version}`, () => {
    const proxy = useProxy(SECRETS);
    beforeAll(() => adapter.beforeStart?.(proxy()));
    const server = useServer(product, installed, proxy);
    testSetups(BROKEN_SETUPS[name as Server] as readonly BrokenSetup[], adapter, proxy, server);
  });
}
