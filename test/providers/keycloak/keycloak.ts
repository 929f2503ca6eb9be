// Keycloak in development mode, with the realm file that we ship.

import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeAuthority } from "../../support/keys.ts";
import { maven } from "../install.ts";
import type { Product, Server } from "../server.ts";

export const CLIENT_SECRET = "s3cret +/%:&";
/** kcadm.sh is short-lived: it needs no optimising compiler. */
export const KCADM_OPTIONS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";
export const ADMIN = { username: "admin", password: "only in tests" };

export const KEYCLOAK: Product = {
  name: "Keycloak",
  version: "26.7.3",
  async install(folder) {
    const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK.version}:zip`;
    await maven(folder, "dependency:unpack", `-Dartifact=${artifact}`, "-DoutputDirectory=.", "-Dproject.basedir=.");
  },
  async launch({ installed, data, port, issuer, otherPort }) {
    const home = homeOf(data);
    await cp(join(installed, `keycloak-${KEYCLOAK.version}`), home, { recursive: true, force: false });
    await mkdir(join(home, "data/import"), { recursive: true });
    await mkdir(databaseOf(data), { recursive: true });
    const databasePort = await otherPort("database");
    await cp("deploy/compose/realm.json", join(home, "data/import/realm.json"));
    return {
      command: [
        "sh",
        ...["-c", WITH_DATABASE, "sh", home, databaseOf(data), String(databasePort)],
        join(home, "bin/kc.sh"),
        "start-dev",
        `--db-url=jdbc:h2:tcp://127.0.0.1:${databasePort}/./keycloak;NON_KEYWORDS=VALUE`,
        "--import-realm",
        "--features=token-exchange:v1,admin-fine-grained-authz:v1",
        `--http-port=${port}`,
        ...(await httpsOptions(data, await otherPort("https"))),
      ],
      env: {
        JAVA_OPTS_KC_HEAP: "-Xms64m -Xmx512m",
        KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
        KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
        TOKEN_PROXY_ISSUER: issuer,
        KEYCLOAK_CLIENT_SECRET: CLIENT_SECRET,
      },
      ready: `http://127.0.0.1:${port}/realms/retail`, // it opens no port until it is ready
    };
  },
};

/** Starts the H2 that Keycloak brings as a server, so that only the database can fail. */
const WITH_DATABASE = `
  java -Xmx128m -cp "$1"/lib/lib/main/com.h2database.h2-*.jar org.h2.tools.Server \\
    -tcp -tcpPort "$3" -baseDir "$2" -ifNotExists &
  echo $! >"$2/pid"
  shift 3
  exec "$@"
`;

const databaseOf = (data: string) => join(data, "database");

/** Keycloak goes on without it. The next start of the server brings it back. */
export async function stopDatabase({ data }: Server): Promise<void> {
  process.kill(Number(await readFile(join(databaseOf(data), "pid"), "utf8")), "SIGKILL");
}

/** Its own copy of the distribution, because it writes into it. */
export const homeOf = (data: string) => join(data, "keycloak");

/** The certificates for clients that authenticate by TLS. */
const certificates = new Map<string, Awaited<ReturnType<typeof makeCertificates>>>();

async function makeCertificates(folder: string) {
  const authority = await makeAuthority();
  const server = await authority.issue("keycloak", { ips: ["127.0.0.1"] });
  const client = await authority.issue("token-proxy");
  const files = {
    ca: join(folder, "ca.pem"),
    certificate: join(folder, "client.pem"),
    private_key: join(folder, "client-key.pem"),
    serverCertificate: join(folder, "server.pem"),
    serverKey: join(folder, "server-key.pem"),
  };
  await writeFile(files.ca, authority.certificate);
  await writeFile(files.certificate, client.certificate);
  await writeFile(files.private_key, client.private_key, { mode: 0o600 });
  await writeFile(files.serverCertificate, server.certificate);
  await writeFile(files.serverKey, server.private_key, { mode: 0o600 });
  return files;
}

export async function certificatesOf(folder: string) {
  const made = certificates.get(folder) ?? (await makeCertificates(folder));
  certificates.set(folder, made);
  return made;
}

async function httpsOptions(data: string, port: number): Promise<string[]> {
  const { ca, serverCertificate, serverKey } = await certificatesOf(data);
  return [
    `--https-port=${port}`,
    `--https-certificate-file=${serverCertificate}`,
    `--https-certificate-key-file=${serverKey}`,
    `--https-trust-store-file=${ca}`,
    "--https-client-auth=request",
  ];
}

/** Its administration, as kcadm.sh uses it. */
export function administer({ direct }: Pick<Server, "direct">) {
  let login: { token: string; until: number } | undefined;
  async function token(): Promise<string> {
    if (login !== undefined && login.until > Date.now()) return login.token;
    const form = new URLSearchParams({ grant_type: "password", client_id: "admin-cli", ...ADMIN });
    const response = await fetch(`${direct}/realms/master/protocol/openid-connect/token`, {
      method: "POST",
      body: form,
    });
    login = { token: ((await response.json()) as { access_token: string }).access_token, until: Date.now() + 30_000 };
    return login.token;
  }
  async function send(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${direct}/admin/realms/${path}`, {
      method,
      headers: { Authorization: `Bearer ${await token()}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
  const admin = {
    post: (path: string, body: unknown = {}) => send("POST", `retail/${path}`, body),
    put: (path: string, body: unknown) => send("PUT", `retail/${path}`, body),
    get: (path: string) => send("GET", `retail/${path}`),
    delete: (path: string) => send("DELETE", `retail/${path}`),
    createRealm: (realm: object) => send("POST", "", realm),
    changeRealm: (changes: object) => send("PUT", "retail", changes),

    async clientId(clientId: string): Promise<string> {
      const [client] = (await admin.get(`clients?clientId=${clientId}`)) as { id: string }[];
      if (client === undefined) throw new Error(`the realm has no client ${clientId}`);
      return client.id;
    },
    async changeClient(clientId: string, changes: object): Promise<void> {
      await admin.put(`clients/${await admin.clientId(clientId)}`, { clientId, ...changes });
    },
    /** Adds users, clients and so on at once. */
    add: (realm: object) => admin.post("partialImport", { ifResourceExists: "FAIL", ...realm }),
  };
  return admin;
}

/** A user that is complete, and linked to our identity provider. */
export function userOf(username: string) {
  return {
    username,
    enabled: true,
    email: `${username}@bank.example`,
    emailVerified: true,
    firstName: username,
    lastName: "Example",
    federatedIdentities: [{ identityProvider: "nextauth", userId: username, userName: username }],
  };
}

interface ClientChanges {
  attributes?: object;
  [key: string]: unknown;
}

/** A client like token-proxy of the realm file. */
export function clientOf(clientId: string, { attributes = {}, ...changes }: ClientChanges = {}) {
  return {
    clientId,
    publicClient: false,
    standardFlowEnabled: false,
    fullScopeAllowed: false,
    secret: CLIENT_SECRET,
    defaultClientScopes: ["basic", "profile"],
    optionalClientScopes: ["accounts"],
    attributes: {
      "oauth2.jwt.authorization.grant.enabled": "true",
      "oauth2.jwt.authorization.grant.idp": "nextauth",
      ...attributes,
    },
    ...changes,
  };
}
