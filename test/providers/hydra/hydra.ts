// Ory Hydra, built from its Go module, with SQLite.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../install.ts";
import type { Product, Server } from "../server.ts";

export const CLIENT_SECRET = "s3cret +/%:&";

/** Hydra's own go.mod replaces it, which does not count for those who build Hydra as a tool. */
const POP = "github.com/gobuffalo/pop/v6=github.com/ory/pop/v6@v6.2.1-0.20241121111754-e5dfc0f3344b";

export const HYDRA: Product = {
  name: "Hydra",
  version: "2.3.0",
  async install(folder) {
    const go = (...args: string[]) => run(folder, "go", args);
    await go("mod", "init", "hydra");
    await go("mod", "edit", "-replace", POP);
    await go("get", "-tool", `github.com/ory/hydra/v2@v${HYDRA.version}`);
    await go("build", "-mod=mod", "-tags", "sqlite", "-o", "hydra", "github.com/ory/hydra/v2");
  },
  async launch({ installed, data, port, url, otherPort }) {
    const config = join(data, "hydra.yaml");
    const dsn = `sqlite://${join(data, "hydra.sqlite")}?_fk=true&_journal_mode=WAL&_busy_timeout=10000`;
    const address = (at: number) => ({ host: "127.0.0.1", port: at });
    const admin = await otherPort("admin");
    await writeFile(
      config,
      JSON.stringify({
        dsn,
        serve: { public: address(port), admin: address(admin) },
        urls: { self: { issuer: `${url}/` } },
        secrets: { system: ["a system secret that is only for tests"] },
        log: { level: "warn" },
        sqa: { opt_out: true }, // no telemetry
      }),
    );
    const hydra = join(installed, "hydra");
    await run(data, hydra, ["migrate", "sql", "--yes", "--config", config, dsn]);
    return {
      command: [hydra, "serve", "all", "--dev", "--config", config],
      ready: `http://127.0.0.1:${port}/.well-known/jwks.json`,
    };
  },
};

/** Its administration. */
export async function administer({ otherPort }: Server) {
  const url = `http://127.0.0.1:${await otherPort("admin")}`;
  const trusts = "/admin/trust/grants/jwt-bearer/issuers";
  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  return {
    url,
    createClient: (client: object) => send("POST", "/admin/clients", client),
    changeClient: (id: string, changes: Record<string, unknown>) =>
      send(
        "PATCH",
        `/admin/clients/${id}`,
        Object.entries(changes).map(([name, value]) => ({ op: "replace", path: `/${name}`, value })),
      ),
    /** Trusts an issuer's key. @returns its id */
    async trust(trust: { issuer: string; jwk: object; scope?: string[]; seconds?: number }): Promise<string> {
      const { issuer, jwk, scope = ["accounts"], seconds = 3_600 } = trust;
      const expires_at = new Date(Date.now() + seconds * 1_000).toISOString();
      const created = await send("POST", trusts, { issuer, jwk, scope, expires_at, allow_any_subject: true });
      return (created as { id: string }).id;
    },
    withdraw: (id: string) => send("DELETE", `${trusts}/${id}`),
    introspect: (token: string) =>
      fetch(`${url}/admin/oauth2/introspect`, { method: "POST", body: new URLSearchParams({ token }) }).then(
        (response) => response.json() as Promise<Record<string, unknown>>,
      ),
  };
}

/** A client like that of the example. */
export function clientOf(client_id: string, changes: object = {}) {
  return {
    client_id,
    client_secret: CLIENT_SECRET,
    grant_types: ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
    scope: "accounts",
    token_endpoint_auth_method: "client_secret_basic",
    access_token_strategy: "jwt",
    ...changes,
  };
}
