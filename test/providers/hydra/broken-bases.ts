// The files that broken setups with Hydra start from, and how it is broken and repaired.

import type { Adapter } from "../broken/adapter.ts";
import type { Base } from "../broken/run-check.ts";
import type { Action } from "../broken-setups.ts";
import { merge } from "../cases.ts";
import type { Settings } from "../proxy.ts";
import type { Server } from "../server.ts";
import { administer, CLIENT_SECRET, clientOf, HYDRA } from "./hydra.ts";

const BASES: Record<string, Settings> = {
  "jwt grant": {},
  private_key_jwt: {
    client_id: "signed-proxy",
    client_secret: undefined,
    token_endpoint_auth_method: "private_key_jwt",
    client_assertion: { aud: "{{token_endpoint}}" },
  },
};

const TRUSTS = "trust/grants/jwt-bearer/issuers";
/** The trust as it was created, and its id, which a repair changes. */
let trust: { id: string; made: Record<string, unknown> };

export const HYDRA_ADAPTER: Adapter = {
  product: HYDRA,
  async prepare(server, proxy, jwk) {
    proxy.hosts["https://hydra.bank.example"] = server.url;
    const admin = await adminOf(server);
    await admin("POST", "clients", clientOf("token-proxy"));
    await admin(
      "POST",
      "clients",
      clientOf("signed-proxy", {
        client_secret: undefined,
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "ES256",
        jwks_uri: `${proxy.issuer}/.well-known/jwks.json`,
      }),
    );
    const expires_at = new Date(Date.now() + 3_600_000).toISOString();
    const made = { issuer: proxy.issuer, jwk, scope: ["accounts"], expires_at, allow_any_subject: true };
    trust = { id: await trustIn(server, made), made };
    return proxy.file("hydra.yaml");
  },
  async baseOf(name, { url }, proxy): Promise<Base> {
    const file = proxy.file("hydra.yaml");
    const [provider] = Object.values(file.providers) as [Settings];
    const own = {
      client_secret: { env: "CLIENT_SECRET" },
      expect_subject: undefined,
      jwt: { user: { claims: { aud: "{{token_endpoint}}" } } },
    };
    return {
      file: { ...file, providers: { hydra: merge(merge(provider, own), BASES[name] as Settings) } },
      env: { CLIENT_SECRET },
      place: { url, issuer: `${url}/`, tokenEndpoint: `${url}/oauth2/token` },
    };
  },
  act: (action, server) => breakHydra(action, server),
};

async function adminOf(server: Server) {
  const { url } = await administer(server);
  return async (method: string, path: string, body?: object): Promise<Settings> => {
    const headers = { "Content-Type": "application/json" };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${url}/admin/${path}`, { method, headers, ...sent });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : JSON.parse(text);
  };
}

async function trustIn(server: Server, made: object): Promise<string> {
  return String((await (await adminOf(server))("POST", TRUSTS, made)).id);
}

/** A trust cannot be changed: it is deleted and created again. @returns how to repair it */
async function breakHydra(action: Action, server: Server): Promise<() => Promise<unknown>> {
  const admin = await adminOf(server);
  if (!("at" in action)) throw new Error("no action for Hydra");
  if (action.at !== TRUSTS) {
    const { jwks: _, ...before } = await admin("GET", action.at); // contradicts jwks_uri
    await admin("PUT", action.at, { ...before, ...(action as { change: Settings }).change });
    return () => admin("PUT", action.at, before);
  }
  await admin("DELETE", `${TRUSTS}/${trust.id}`);
  const broken = "change" in action ? await trustIn(server, { ...trust.made, ...action.change }) : undefined;
  return async () => {
    if (broken !== undefined) await admin("DELETE", `${TRUSTS}/${broken}`);
    trust.id = await trustIn(server, trust.made);
  };
}
