// How the rows of the table are run against a server.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JWK } from "jose";
import { beforeAll, expect, it } from "vitest";
import type { SigningAlgorithm } from "../../../src/oauth/signing-key.ts";
import { makeKey } from "../../support/keys.ts";
import type { Action, BrokenSetup } from "../broken-setups.ts";
import type { File, ProviderProxy } from "../proxy.ts";
import type { Product, Server } from "../server.ts";
import { type Base, checkSetup } from "./run-check.ts";

/** How the files of the rows come about, and how a server is broken. */
export interface Adapter {
  product: Product;
  /** The folder with its sources, if it is built here. */
  sources?: string;
  /** The algorithm of our key; ES256 by default. */
  alg?: SigningAlgorithm;
  beforeStart?(proxy: ProviderProxy): void;
  /** @returns a file with which the proxy publishes its keys meanwhile */
  prepare(server: Server, proxy: ProviderProxy, key: JWK): Promise<File>;
  baseOf(name: string, server: Server, proxy: ProviderProxy): Promise<Base>;
  /** @returns how to repair it */
  act?(action: Action, server: Server): Promise<() => Promise<unknown>>;
}

const KID = "2026-11";

export function testSetups(
  rows: readonly BrokenSetup[],
  adapter: Adapter,
  proxy: () => ProviderProxy,
  server: () => Server,
): void {
  const { alg = "ES256" } = adapter;
  const keys: Record<string, string> = {};
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "token-proxy-broken-"));
    const { pem, jwk } = await proxy().key(KID, alg);
    Object.assign(keys, { SIGNING_KEY: pem, OTHER_KEY: (await makeKey(alg)).pem });
    keys.RSA_KEY = (await makeKey("RS256")).pem;
    await proxy().start(await adapter.prepare(server(), proxy(), jwk));
  });

  const baseOf = async (name: string): Promise<Base> => {
    const base = await adapter.baseOf(name, server(), proxy());
    // A busy machine may need seconds for a server's first answer.
    const providers = Object.fromEntries(
      Object.entries(base.file.providers).map(([provider, settings]) => [provider, { timeout: "60s", ...settings }]),
    );
    const key = { kid: KID, alg, private_key: { env: "SIGNING_KEY" } };
    return {
      ...base,
      file: { ...base.file, providers, server: undefined, signing: { issuer: proxy().issuer, keys: [key] } },
      env: { GETTOKEN_APIKEY: "k".repeat(32), ...keys, ...base.env },
    };
  };

  it.each([...new Set(rows.map(({ base }) => base))])("works before it is broken: %s", async (base) => {
    expect(await checkSetup({ base, broken: "", expect: "token", says: "" }, await baseOf(base), folder)).toEqual([]);
  });

  it.each(rows.map((row) => [`${row.broken} (${row.base})`, row] as const))("%s", async (_, row) => {
    const base = await baseOf(row.base);
    const secrets: Record<string, string> = { ...row.secrets };
    for (const [name, text] of Object.entries(secrets)) {
      if (text === "another key") secrets[name] = keys.OTHER_KEY as string;
      if (text === "forged") secrets[name] = `${base.env[name]?.slice(0, -10)}AAAAAAAAAA`;
    }
    const repair = row.action === undefined ? undefined : await adapter.act?.(row.action, server());
    try {
      expect(await checkSetup({ ...row, secrets }, base, folder)).toEqual([]);
    } finally {
      await repair?.();
    }
  });
}
