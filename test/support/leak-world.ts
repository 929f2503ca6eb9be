// A proxy's file with a canary for every secret, and the servers around it.

import { createSecureContext, createServer, type Server as TlsServer } from "node:tls";
import { canaryOf, canaryOfKey, makeCanary } from "./canaries.ts";
import { fileConfig, providerConfig } from "./config.ts";
import { makeKey, makeSelfSigned } from "./keys.ts";
import { type NextAuthServer, nextauthConfig, startNextAuthServer } from "./nextauth-server.ts";
import { listenLocally } from "./port.ts";
import { type RecordingProvider, startRecordingProvider } from "./recording-provider.ts";

const part = () => makeCanary("").needles[0]?.toString() as string;

const tokenParts = [part(), part(), part()];
const signing = await makeKey("ES256");
const client = await makeKey("ES256");

export const CANARIES = {
  apikey: makeCanary("the caller's API key"),
  limitedApikey: makeCanary("another caller's API key"),
  wrongApikey: makeCanary("a wrong API key"),
  clientSecret: makeCanary("the client secret"),
  param: makeCanary("a secret parameter"),
  header: makeCanary("a secret header"),
  nextauthApikey: makeCanary("the API key at the nextAuth Server"),
  identitiesKey: makeCanary("the key of the log's hashes"),
  signingKey: canaryOfKey("the signing key", signing.pem, signing.jwk.d as string),
  clientKey: canaryOfKey("the client's key", client.pem, client.jwk.d as string),
  nonce: makeCanary("the nonce"),
  userid: makeCanary("the userid"),
  otherUserid: makeCanary("another userid"),
  userToken: makeCanary("a relayed user token"),
  attribute: makeCanary("an attribute"),
  token: canaryOf("the token", tokenParts.join("."), ...tokenParts),
  mfaToken: makeCanary("the provider's error body"),
  page: makeCanary("a page of somebody else's"),
  garbage: makeCanary("parts of an invalid call"),
};
const C = CANARIES;

/** In the provider's error_description: of a fault it gets into the log, and nowhere else. */
export const WORDS = makeCanary("the provider's words");

export const SECRETS = {
  APIKEY: C.apikey.text,
  LIMITED_APIKEY: C.limitedApikey.text,
  CLIENT_SECRET: C.clientSecret.text,
  PARAM: C.param.text,
  HEADER: C.header.text,
  NEXTAUTH_APIKEY: C.nextauthApikey.text,
  IDENTITIES_KEY: C.identitiesKey.text,
  SIGNING_KEY: signing.pem,
  CLIENT_KEY: client.pem,
};

export interface World {
  provider: RecordingProvider;
  nextauth: NextAuthServer;
  file: object;
  close(): Promise<void>;
}

/** For servers that never answer. */
const SHORT = "1s";

export async function startWorld(changes: object = {}): Promise<World> {
  const provider = await startRecordingProvider();
  const nextauth = await startNextAuthServer();
  const strange = await strangeTls();
  const { tokenEndpoint, url } = provider;
  const of = (settings: object, endpoint = tokenEndpoint) =>
    providerConfig(endpoint, {
      timeout: "1m",
      max_response_bytes: 4096,
      params: { userid: "{{userid}}", nonce: "{{nonce}}", user_token: "{{user_token}}", key: { env: "PARAM" } },
      headers: { "X-Secret": { env: "HEADER" } },
      ...settings,
    });
  const jwt = { client_secret: undefined, grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", params: {} };
  const providers = {
    main: of({}),
    signed: of({
      ...jwt,
      token_endpoint_auth_method: "private_key_jwt",
      client_key: { kid: "c", alg: "ES256", private_key: { env: "CLIENT_KEY" } },
      client_assertion: { aud: "{{token_endpoint}}" },
    }),
    subject: of({ expect_subject: "sub" }),
    scoped: of({ scope: "accounts", expect_scope: "accounts" }),
    forbidding: of({ forbid_members: ["refresh_token"] }),
    attributes: of({ params: { iban: "{{attributes.iban}}" } }),
    unreachable: of({}, "http://127.0.0.1:1/token"),
    strange: of({}, `https://127.0.0.1:${strange.port}/token`),
    down: of({}),
    mute: of({ timeout: SHORT }),
    undiscovered: of({ token_endpoint: undefined, issuer: `${url}/issuer` }),
  };
  const file = fileConfig(tokenEndpoint, {
    file: {
      log: { level: "debug", identities_key: { env: "IDENTITIES_KEY" } },
      callers: {
        all: { apikeys: [{ env: "APIKEY" }] },
        limited: { apikeys: [{ env: "LIMITED_APIKEY" }], serverids: ["main"] },
      },
      get_token: {
        values: {
          serverid: ["body:/serverid"],
          userid: ["body:/userid"],
          accountid: ["body:/accountid"],
          nonce: ["header:X-nonce"],
          user_token: ["header:X-user-token"],
        },
      },
      nextauth: [
        nextauthConfig(nextauth, { timeout: "1m", serverids: Object.keys(providers) }),
        nextauthConfig(nextauth, { timeout: SHORT, serverids: ["mute_session", "mute_attributes"] }),
      ],
      webnonce_exchange: {
        provider: "signed",
        serverid: "main",
        rate_limit: { per_webnonce: { limit: 4, window: "1m" } },
      },
      signing: {
        issuer: "https://proxy.example",
        keys: [{ kid: "s", alg: "ES256", private_key: { env: "SIGNING_KEY" } }],
      },
      providers,
      routes: [
        ...Object.keys(providers).map((name) => ({ serverid: name, provider: name })),
        { serverid: "mute_session", provider: "main" },
        { serverid: "mute_attributes", provider: "attributes" },
      ],
      ...changes,
    },
  });
  return {
    provider,
    nextauth,
    file,
    async close() {
      strange.server.close();
      await nextauth.close();
      await provider.close();
    },
  };
}

/** A TLS server with an untrusted certificate. */
async function strangeTls(): Promise<{ server: TlsServer; port: number }> {
  const { certificate, private_key } = await makeSelfSigned("strange");
  const secureContext = createSecureContext({ cert: certificate, key: private_key });
  const server = createServer({
    SNICallback: (_name, done) => done(null, secureContext),
    cert: certificate,
    key: private_key,
  });
  server.on("tlsClientError", () => {});
  return { server, port: await listenLocally(server) };
}
