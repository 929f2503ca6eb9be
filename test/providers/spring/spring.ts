// Spring Authorization Server: the small application beside this file, built by Maven.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { maven } from "../install.ts";
import type { Place, Product } from "../server.ts";
import { manyUsers } from "../specs.ts";

/** What is built. */
export const SOURCES = "test/providers/spring/app";

/** A client, as the properties of Spring Boot describe it. */
export interface Client {
  method: string;
  secret?: string;
  /** Of the keys for private_key_jwt. */
  jwks?: string;
  alg?: string;
  grants?: string[];
  scopes?: string[];
}

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/** @param clients by their id; asked at each start */
export function spring(clients: () => Readonly<Record<string, Client>>): Product {
  return {
    name: "Spring Authorization Server",
    version: "7.0.6",
    install: (folder) => maven(folder, "package"),
    async launch(place) {
      const { installed, data, port } = place;
      await writeFile(join(data, "application.yaml"), JSON.stringify(propertiesOf(place, clients())));
      return {
        command: ["java", "-Xmx512m", "-jar", join(installed, "target/server.jar")],
        cwd: data, // where Spring Boot looks for application.yaml
        ready: `http://127.0.0.1:${port}/.well-known/oauth-authorization-server`,
      };
    },
  };
}

function propertiesOf({ port, url, issuer }: Place, clients: Readonly<Record<string, Client>>): object {
  const client = Object.entries(clients).map(([id, { method, secret, jwks, alg, grants, scopes }]) => [
    id,
    {
      registration: {
        "client-id": id,
        ...(secret === undefined ? {} : { "client-secret": secret }),
        "client-authentication-methods": [method],
        "authorization-grant-types": grants ?? [JWT_BEARER],
        scopes: scopes ?? ["accounts"],
      },
      ...(jwks === undefined ? {} : { "jwk-set-uri": jwks }),
      ...(alg === undefined ? {} : { "token-endpoint-authentication-signing-algorithm": alg }),
    },
  ]);
  return {
    server: { port, address: "127.0.0.1" },
    spring: {
      main: { "banner-mode": "off" },
      security: { oauth2: { authorizationserver: { issuer: url, client: Object.fromEntries(client) } } },
    },
    bank: {
      assertions: { issuer },
      users: ["alice", ...manyUsers].join(","),
      "disabled-users": "disabled",
    },
  };
}
