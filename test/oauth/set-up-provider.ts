// One provider with keys, secrets and a token endpoint in memory.

import { startCallTime } from "../../src/core/call-time.ts";
import type { Recipient } from "../../src/core/inbound.ts";
import { Secret } from "../../src/core/secret.ts";
import type { TransportSettings } from "../../src/core/transport.ts";
import type { Value } from "../../src/core/values.ts";
import { createNodeBulkhead } from "../../src/node/outbound/bulkhead.ts";
import { createProvider } from "../../src/oauth/provider.ts";
import { type ProviderCredentials, type ProviderSettings, provider } from "../../src/oauth/provider-settings.ts";
import { importSigningKey, type SigningKey } from "../../src/oauth/signing-key.ts";
import { fakeClock, fakeIds, fakeLog, fakeProvider, fakeTrace, response, sha256 } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";

export const ISSUER = "https://idp.example";
export const ENDPOINT = `${ISSUER}/token`;
export const TOKEN = { access_token: "t" };

async function keyOf(kid: string): Promise<SigningKey> {
  const key = new Secret((await makeKey("ES256")).pem);
  return importSigningKey({ kid, alg: "ES256", key, certificate: undefined }, { sha256 });
}

/** Signing keys with the kids `first` and `second`. */
export const KEYS = await Promise.all(["first", "second"].map(keyOf));

const SETTINGS = provider.parse({
  token_endpoint: ENDPOINT,
  client_id: "token-proxy",
  client_assertion: { typ: null },
  grant_type: "urn:example:user",
  params: { user: "{{userid}}" },
});

export function setUp(changes: Partial<ProviderSettings> = {}, credentials: Partial<ProviderCredentials> = {}) {
  const clock = fakeClock();
  const metadata = { issuer: ISSUER, token_endpoint: ENDPOINT };
  const upstream = fakeProvider(({ method }) => response(200, method === "GET" ? metadata : TOKEN));
  const settings: ProviderSettings = { ...SETTINGS, ...changes };
  const loaded: ProviderCredentials = {
    secrets: [new Secret("s")],
    clientKeys: KEYS,
    signingKeys: KEYS,
    signingIssuer: "https://proxy.example",
    tls: undefined,
    placed: new Map(),
    ...credentials,
  };
  const transports: TransportSettings[] = [];
  const { log, lines } = fakeLog();
  const created = createProvider("main", settings, loaded, {
    createTransport: (transportSettings) => {
      transports.push(transportSettings);
      return upstream.createTransport(transportSettings);
    },
    createBulkhead: createNodeBulkhead,
    sharesPromises: true,
    clock,
    ids: fakeIds(),
    log,
  });
  const values = new Map<string, Value>([["userid", "alice"]]);
  /** A call. @param ms its time */
  const request = (ms = 60_000, recipient?: Recipient) => {
    const time = startCallTime({ key: "get_token.timeout", ms }, recipient, clock);
    return created.requestToken(values, { trace: fakeTrace(), time });
  };
  return { provider: created, upstream, clock, transports, lines, values, request };
}
