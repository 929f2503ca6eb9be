// ZITADEL's OpenID Connect library in a small program of ours: ZITADEL itself needs PostgreSQL.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../install.ts";
import type { Product } from "../server.ts";
import { manyUsers } from "../specs.ts";

export const SOURCES = "test/providers/zitadel/app";
export const CLIENT_SECRET = "s3cret +/%:&";
/** Of the service user in the library's example storage. */
export const ACTOR = { client_id: "sid1", client_secret: "verysecret" };

export const ZITADEL: Product = {
  name: "ZITADEL's library",
  version: "3.52.0",
  async install(folder) {
    await run(folder, "go", ["get", `github.com/zitadel/oidc/v3@v${ZITADEL.version}`]);
    await run(folder, "go", ["mod", "tidy"]);
    await run(folder, "go", ["build", "-o", "zitadel", "."]);
  },
  async launch({ installed, data, port, url }) {
    const users = ["alice", ...manyUsers].map((ID) => [ID, { ID, Username: ID, PreferredLanguage: "en" }]);
    await writeFile(join(data, "users.json"), JSON.stringify(Object.fromEntries(users)));
    return {
      command: [join(installed, "zitadel"), url, `127.0.0.1:${port}`, join(data, "users.json")],
      env: { CLIENT_SECRET },
      ready: `http://127.0.0.1:${port}/.well-known/openid-configuration`,
    };
  },
};
