// glewlwyd, from Debian, with SQLite: unpacked, not installed.

import { generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { gunzipSync } from "node:zlib";
import { debian } from "../install.ts";
import type { Product, Server } from "../server.ts";

export const CLIENT_SECRET = "s3cret +/%:&";
export const PASSWORD = "the password of all users";

export const GLEWLWYD: Product = {
  name: "glewlwyd",
  version: "2.7.5",
  install: (folder) => debian(folder, "glewlwyd"),
  async launch({ installed, data, port, url }) {
    const file = join(data, "glewlwyd.conf");
    const database = join(data, "glewlwyd.db");
    const sample = await readFile(join(installed, "usr/share/doc/glewlwyd/glewlwyd.conf.sample.gz"));
    const settings = gunzipSync(sample)
      .toString("utf8")
      .replace(/^port=.*$/m, `port=${port}\nbind_address="127.0.0.1"`)
      .replace(/^external_url=.*$/m, `external_url="${url}"`)
      .replace(/^cookie_(?:domain|secure)=.*$/gm, "")
      .replaceAll("/usr/", `${installed}/usr/`)
      .replace("/var/cache/glewlwyd/glewlwyd.db", database);
    await writeFile(file, settings);
    if (!existsSync(database)) {
      const tables = await readFile(join(installed, "usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"), "utf8");
      const created = new DatabaseSync(database);
      // Few rounds of hashing: a call costs two of them, and these passwords protect nothing.
      created.exec(
        tables.replaceAll('{"use-glewlwyd-connection":', '{"pbkdf2-iterations":1000,"use-glewlwyd-connection":'),
      );
      created.close();
    }
    return {
      command: [join(installed, "usr/bin/glewlwyd"), `--config-file=${file}`],
      env: { LD_LIBRARY_PATH: `${installed}/usr/lib/x86_64-linux-gnu:${installed}/lib/x86_64-linux-gnu` },
      ready: `http://127.0.0.1:${port}/config/`,
    };
  },
};

/** Its administration, as the administrator that it begins with. */
export async function administer({ direct, url }: Server) {
  const json = { "Content-Type": "application/json" };
  const credentials = JSON.stringify({ username: "admin", password: "password" });
  const login = await fetch(`${direct}/api/auth/`, { method: "POST", headers: json, body: credentials });
  const cookie = login.headers.get("set-cookie")?.split(";")[0] ?? "";

  async function send(method: string, path: string, body: object): Promise<void> {
    const headers = { ...json, Cookie: cookie };
    const response = await fetch(`${direct}/api/${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  }
  const clientOf = (password: string, method: string) => ({
    name: method,
    confidential: true,
    password,
    authorization_type: ["password"],
    scope: [],
    token_endpoint_auth_method: [method],
  });
  return {
    async setUp(users: readonly string[]) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", {
        namedCurve: "P-256",
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
        publicKeyEncoding: { type: "spki", format: "pem" },
      });
      const types = ["code", "token", "id-token", "none", "client", "refresh"].map((type) => [
        `auth-type-${type}-enabled`,
        type === "id-token",
      ]);
      const parameters = {
        iss: `${url}/api/oidc`,
        "jwt-type": "ecdsa",
        "jwt-key-size": "256",
        key: privateKey,
        cert: publicKey,
        "access-token-duration": 3_600,
        "refresh-token-duration": 3_600,
        "code-duration": 600,
        "refresh-token-rolling": false,
        "allow-non-oidc": true,
        "auth-type-password-enabled": true,
        "secret-type": "none",
        "subject-type": "public",
        ...Object.fromEntries(types),
      };
      await send("POST", "mod/plugin/", { module: "oidc", name: "oidc", display_name: "OIDC", parameters });
      await send("POST", "scope/", { name: "accounts", display_name: "accounts", password_required: true, scheme: {} });
      for (const username of users) await send("POST", "user/", { username, password: PASSWORD, scope: ["accounts"] });
    },
    createClient: (client_id: string, method: string) =>
      send("POST", "client/", { client_id, ...clientOf(CLIENT_SECRET, method) }),
    changeSecret: (client_id: string, password: string) =>
      send("PUT", `client/${client_id}`, clientOf(password, "client_secret_basic")),
    disableUser: (username: string) => send("PUT", `user/${username}`, { enabled: false, scope: ["accounts"] }),
  };
}
