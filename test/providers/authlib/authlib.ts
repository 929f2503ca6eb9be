// Authlib with Flask, from Debian: the small server beside this file.

import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { debian } from "../install.ts";
import type { Product } from "../server.ts";
import { manyUsers } from "../specs.ts";

export const CLIENT_SECRET = "s3cret +/%:&";
export const PASSWORD = "the password of all users";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** @param clients in the words of RFC 7591; asked at each start */
export function authlib(clients: () => readonly object[]): Product {
  return {
    name: "Authlib",
    version: "1.2.0",
    install: (folder) => debian(folder, "python3-authlib", "python3-flask"),
    async launch({ installed, data, port, url, issuer }) {
      const file = join(data, "config.json");
      const config = { port, issuer: url, assertion_issuer: issuer, clients: clients(), password: PASSWORD };
      await writeFile(file, JSON.stringify({ ...config, users: ["alice", ...manyUsers] }));
      return {
        command: ["/usr/bin/python3", resolve("test/providers/authlib/server.py"), file],
        env: { PYTHONPATH: join(installed, "usr/lib/python3/dist-packages"), AUTHLIB_INSECURE_TRANSPORT: "1" },
        ready: `http://127.0.0.1:${port}/.well-known/oauth-authorization-server`,
      };
    },
  };
}

/** The grant jwt-bearer authenticates no client, because the issuer is the client. */
export function clientOf(client_id: string, token_endpoint_auth_method: string, client_secret?: string): object {
  return {
    client_id,
    token_endpoint_auth_method,
    client_secret,
    grant_types: [client_id === "token-proxy" ? JWT_BEARER : "password"],
    scope: "accounts",
  };
}
