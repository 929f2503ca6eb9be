// The table of broken setups, against the real servers.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { makeKey } from "../support/keys.ts";
import { type Base, checkSetup } from "./broken/run-check.ts";
import { type Action, BROKEN_SETUPS, type BrokenSetup, type Server as ServerName } from "./broken-setups.ts";
import { install } from "./install.ts";
import { KEYCLOAK_ADAPTER } from "./keycloak/broken-bases.ts";
import { type File, type ProviderProxy, useProxy } from "./proxy.ts";
import { type Product, type Server, useServer } from "./server.ts";

/** How the files of the table's rows come about, and how a server is broken. */
export interface Adapter {
  product: Product;
  /** The folder with its sources, if it is built here. */
  sources?: string;
  /** @returns a file with which the proxy publishes its keys meanwhile */
  prepare(server: Server, proxy: ProviderProxy): Promise<File>;
  baseOf(name: string, server: Server, proxy: ProviderProxy): Promise<Base>;
  /** @returns how to repair it */
  act(action: Action, server: Server): Promise<() => Promise<unknown>>;
}

const ADAPTERS: Partial<Record<ServerName, Adapter>> = { keycloak: KEYCLOAK_ADAPTER };

const KID = "2026-11";

for (const [name, adapter] of Object.entries(ADAPTERS)) {
  const installed = await install(adapter.product, adapter.sources);
  const rows = BROKEN_SETUPS[name as ServerName] as readonly BrokenSetup[];

  describe.skipIf(installed === undefined)(`with ${adapter.product.name} ${adapter.product.version}`, () => {
    const proxy = useProxy({ CLIENT_SECRET: "unused", KEYCLOAK_CLIENT_SECRET: "unused" });
    const server = useServer(adapter.product, installed, proxy);
    const keys: Record<string, string> = {};
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "token-proxy-broken-"));
      keys.SIGNING_KEY = (await proxy().key(KID, "ES256")).pem;
      keys.OTHER_KEY = (await makeKey("ES256")).pem;
      keys.RSA_KEY = (await makeKey("RS256")).pem;
      await proxy().start(await adapter.prepare(server(), proxy()));
    });

    const baseOf = async (base: string): Promise<Base> => {
      const made = await adapter.baseOf(base, server(), proxy());
      const signing = {
        issuer: proxy().issuer,
        keys: [{ kid: KID, alg: "ES256", private_key: { env: "SIGNING_KEY" } }],
      };
      const { server: _, ...file } = made.file;
      return {
        ...made,
        file: { ...file, signing } as Base["file"],
        env: { GETTOKEN_APIKEY: "k".repeat(32), ...keys, ...made.env },
      };
    };

    it.each([...new Set(rows.map(({ base }) => base))])("works before it is broken: %s", async (base) => {
      const working: BrokenSetup = { base, broken: "", expect: "token", says: "" };
      expect(await checkSetup(working, await baseOf(base), folder)).toEqual([]);
    });

    it.each(rows.map((row) => [`${row.broken} (${row.base})`, row] as const))("%s", async (_, row) => {
      const base = await baseOf(row.base);
      const forged = (text = "") => `${text.slice(0, -10)}AAAAAAAAAA`;
      const secrets: Record<string, string> = { ...row.secrets };
      for (const [key, text] of Object.entries(secrets)) {
        if (text === "another key") secrets[key] = keys.OTHER_KEY as string;
        if (text === "forged") secrets[key] = forged(base.env[key]);
      }
      const repair = row.action === undefined ? undefined : await adapter.act(row.action, server());
      try {
        expect(await checkSetup({ ...row, secrets }, base, folder)).toEqual([]);
      } finally {
        await repair?.();
      }
    });
  });
}
