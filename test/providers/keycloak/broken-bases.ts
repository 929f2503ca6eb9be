// The files that broken setups with Keycloak start from, and how its realm is broken and repaired.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import type { Action, Place } from "../broken-setups.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import type { Server } from "../server.ts";
import { administer, CLIENT_SECRET, clientOf, KEYCLOAK, userOf } from "./keycloak.ts";

const PASSWORD = "alice's password";
const LONG_SECRET = "a secret with more than 32 bytes in it";

const USERS = [
  { ...userOf("disabled"), enabled: false },
  { ...userOf("incomplete"), requiredActions: ["UPDATE_PASSWORD"] },
];

const clients = (issuer: string) => [
  clientOf("signed-proxy", {
    clientAuthenticatorType: "client-jwt",
    attributes: { "use.jwks.url": "true", "jwks.url": `${issuer}/.well-known/jwks.json` },
  }),
  clientOf("secret-jwt", { clientAuthenticatorType: "client-secret-jwt", secret: LONG_SECRET }),
  clientOf("exchange-proxy", {
    directAccessGrantsEnabled: true,
    attributes: { "standard.token.exchange.enabled": "true" },
  }),
  clientOf("direct", { directAccessGrantsEnabled: true }),
  clientOf("machine", { serviceAccountsEnabled: true }),
];

const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const NO_JWT = { jwt: undefined, scope: undefined };

/** Changes to the provider of examples/keycloak-jwt-grant.yaml. */
const BASES: Record<string, Settings> = {
  "jwt grant": {},
  private_key_jwt: {
    client_id: "signed-proxy",
    client_secret: undefined,
    token_endpoint_auth_method: "private_key_jwt",
  },
  client_secret_jwt: {
    client_id: "secret-jwt",
    client_secret: { env: "CLIENT_SECRET" },
    token_endpoint_auth_method: "client_secret_jwt",
  },
  exchange: {
    ...NO_JWT,
    client_id: "exchange-proxy",
    grant_type: EXCHANGE,
    params: { subject_token: "{{subject_token}}", subject_token_type: ACCESS_TOKEN },
  },
  password: {
    ...NO_JWT,
    client_id: "direct",
    grant_type: "password",
    params: { username: "{{userid}}", password: { env: "PASSWORD" } },
  },
  client_credentials: { ...NO_JWT, client_id: "machine", grant_type: "client_credentials" },
};

export const KEYCLOAK_ADAPTER: Adapter = {
  product: KEYCLOAK,
  async prepare(server, proxy) {
    proxy.hosts["https://sso.bank.example"] = server.url;
    const admin = administer(server);
    await admin.add({ users: USERS });
    for (const client of clients(proxy.issuer)) await admin.post("clients", client);
    const id = await userId(server);
    await admin.put(`users/${id}/reset-password`, { type: "password", value: PASSWORD, temporary: false });
    return proxy.file("keycloak-jwt-grant.yaml");
  },
  async baseOf(name, server, proxy): Promise<Base> {
    const file = proxy.file("keycloak-jwt-grant.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    const values = { userid: ["body:/userid"], subject_token: ["header:X-subject-token"] };
    const issuer = `${server.url}/realms/retail`;
    const place: Place = { url: server.url, issuer, tokenEndpoint: `${issuer}/protocol/openid-connect/token` };
    const own = { kind: "keycloak", client_secret: { env: "CLIENT_SECRET" }, expect_subject: undefined };
    return {
      file: {
        ...file,
        get_token: { session: "trust", values },
        providers: { keycloak: merge(merge(provider, own), BASES[name] as Settings) },
      },
      env: {
        CLIENT_SECRET: name === "client_secret_jwt" ? LONG_SECRET : CLIENT_SECRET,
        PASSWORD,
        ...(name === "exchange" ? { SUBJECT_TOKEN: await subjectToken(place) } : {}),
      },
      place,
      options: name === "exchange" ? ["--value", "subject_token=env:SUBJECT_TOKEN"] : [],
    };
  },
  act: (action, server) => breakRealm(action, server),
};

async function subjectToken({ tokenEndpoint }: Place): Promise<string> {
  const user = { username: "alice", password: PASSWORD };
  const client = { client_id: "exchange-proxy", client_secret: CLIENT_SECRET };
  const body = new URLSearchParams({ grant_type: "password", ...client, ...user });
  const answer = (await (await fetch(tokenEndpoint, { method: "POST", body })).json()) as { access_token: string };
  return answer.access_token;
}

async function userId(server: Server): Promise<string> {
  const [user] = (await administer(server).get("users?username=alice&exact=true")) as [{ id: string }];
  return user.id;
}

/** @returns how to repair it */
async function breakRealm(action: Action, server: Server): Promise<() => Promise<unknown>> {
  const admin = administer(server);
  if (!("at" in action)) throw new Error("no action for Keycloak");
  if (action.at === "") {
    await admin.changeRealm((action as { change: object }).change);
    return () => admin.changeRealm({ enabled: true, attributes: { frontendUrl: "" } });
  }
  const [kind, name] = action.at.split("/") as [string, string];
  const path = kind === "clients" ? `clients/${await admin.clientId(name)}` : action.at;
  const before = (await admin.get(path)) as Settings;
  if ("change" in action) {
    const change = action.change as { attributes?: object };
    const added = Object.keys(change.attributes ?? {}).map((key) => [key, ""]); // else it stays
    await admin.put(path, merge(before, change as Settings));
    const emptied = added.length === 0 ? {} : { attributes: Object.fromEntries(added) };
    return () => admin.put(path, merge(emptied, before));
  }
  await admin.delete(path);
  return async () => {
    await admin.post("identity-provider/instances", before);
    const link = { userId: "alice", userName: "alice", identityProvider: "nextauth" };
    await admin.post(`users/${await userId(server)}/federated-identity/nextauth`, link);
  };
}
