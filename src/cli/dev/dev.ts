// Dev mode: provider, proxy and nextAuth Server in one process on loopback, and one real getToken call through all three.

import { decodeJwt } from "jose";
import { parseConfig } from "../../config/parse.ts";
import type { Binding } from "../../nextauth/binding.ts";
import { createNodeCredentialHost } from "../../node/credentials.ts";
import { nodeIds } from "../../node/host.ts";
import { ListenError, type Listener, listen } from "../../node/inbound/listener.ts";
import { type Service, startService } from "../../node/service.ts";
import { createStandIn, getTokenRequest, type TokenResult, type TokenService } from "./nextauth-server.ts";
import { createDevProvider, DEV_CLIENT_ID, DEV_GRANT_TYPE } from "./provider.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 };
const PROXY_ADDRESS = "127.0.0.1:8080";
const ADMIN_ADDRESS = "127.0.0.1:9613";
const SERVERID = "ZGV2";
/** What stands in the place of a file, in faults of it. */
const DEV_FILE = "dev mode";

export interface DevOutput {
  write(text: string): void;
  /** Makes a heading stand out, where the output is a terminal. */
  bold(text: string): string;
}

/**
 * @throws {Error} where the one call does not come back as the provider's bytes: then this installation is broken
 */
export async function startDev({ write, bold }: DevOutput): Promise<Service> {
  const clientSecret = hex(24);
  const apikey = hex(24);
  const nextauthApikey = hex(24);
  const account = { userid: "alice", accountid: 7 };

  const provider = await createDevProvider(clientSecret);
  const providerListener = await listen(provider.fetch, ANY_PORT, "the embedded provider");
  provider.setIssuer(providerListener.url);
  const nextauthServer = createStandIn({ [SERVERID]: { apikey: nextauthApikey } });
  const nextauthListener = await listen(nextauthServer.fetch, ANY_PORT, "the embedded nextAuth Server");

  const secrets = { DEV_APIKEY: apikey, DEV_CLIENT_SECRET: clientSecret, DEV_NEXTAUTH_APIKEY: nextauthApikey };
  const load = (listenAt: string, admin: string) => {
    const text = devConfig(providerListener.url, nextauthListener.url, listenAt, admin);
    return { file: parseConfig(text, DEV_FILE), host: createNodeCredentialHost(secrets, ".") };
  };
  const start = (listenAt: string, admin: string): Promise<Service> =>
    startService(() => load(listenAt, admin), {
      tryIt: (who): Promise<TokenResult> =>
        nextauthServer.getToken(SERVERID, nextauthServer.login(SERVERID, who), service),
    });
  const proxy = await start(PROXY_ADDRESS, ADMIN_ADDRESS).catch((error: unknown) => {
    // Something else has the usual ports. In dev mode any will do, since the output says which.
    if (error instanceof ListenError) return start("127.0.0.1:0", "127.0.0.1:0");
    throw error;
  });

  const nonce = nextauthServer.login(SERVERID, account);
  const [binding] = load(PROXY_ADDRESS, ADMIN_ADDRESS).file.config.get_token as [Binding];
  const service: TokenService = { url: proxy.url, binding, apikey };

  write(`${bold("Dev mode")}: everything listens on loopback alone, with keys made for this run. Not for production.

  provider          ${providerListener.url}  (embedded)
  nextAuth Server   ${nextauthListener.url}  (embedded stand-in)
  proxy             ${proxy.url}  POST /getToken, POST /token
  status page       ${proxy.adminUrl}/

`);
  const started = performance.now();
  const result = await nextauthServer.getToken(SERVERID, nonce, service);
  const milliseconds = Math.round(performance.now() - started);
  write(describeResult(result, provider.lastResponse(), milliseconds, bold));
  write(`${bold("The same call by hand:")}

  ${curlLine(getTokenRequest({ serverid: SERVERID, nonce, ...account }, service))}

${bold("What an app gets for its webNonce, as a standard OAuth client:")}

  curl -s ${proxy.url}/token -d grant_type=authorization_code --data-urlencode 'code=${nonce}'

With a provider of your own: write a token-proxy.yaml (README, "Configuration") and start again. Ctrl-C stops.
`);
  return stopAlso(proxy, [providerListener, nextauthListener]);
}

function describeResult(
  { status, bytes }: TokenResult,
  sent: string | undefined,
  milliseconds: number,
  bold: (text: string) => string,
): string {
  const text = new TextDecoder().decode(bytes);
  if (status !== 200 || text !== sent)
    throw new Error(`dev mode: the getToken call failed with status ${status}: ${text}`);
  const claims = decodeJwt(JSON.parse(text).access_token);
  return `${bold("One getToken call")}: app -> nextAuth Server -> proxy -> provider and back, in ${milliseconds} ms.
The TokenResult of the app, ${bytes.length} bytes, the same as the provider sent:

${text}
Its access_token says: ${JSON.stringify(claims)}

`;
}

function curlLine({ url, headers, body }: ReturnType<typeof getTokenRequest>): string {
  const headerOptions = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`);
  return `curl -s ${url} ${headerOptions.join(" ")} -d '${body}'`;
}

function devConfig(issuer: string, nextauthUrl: string, listenAt: string, admin: string): string {
  return `
version: 1
server: { listen: "${listenAt}", admin: "${admin}" }
callers: { nextauth-server: { apikeys: [{ env: DEV_APIKEY }], serverids: [${SERVERID}] } }
nextauth: { url: "${nextauthUrl}", apikey: { env: DEV_NEXTAUTH_APIKEY }, serverid: ${SERVERID} }
webnonce_exchange: { path: /token }
providers:
  dev:
    issuer: ${issuer}
    client_id: ${DEV_CLIENT_ID}
    client_secret: { env: DEV_CLIENT_SECRET }
    grant_type: ${DEV_GRANT_TYPE}
    scope: openid
    params: { userid: "{{userid}}", accountid: "{{accountid}}" }
log: { level: warn }
`;
}

function stopAlso(service: Service, listeners: readonly Listener[]): Service {
  return {
    ...service,
    async stop() {
      const cut = await service.stop(true);
      await Promise.all(listeners.map((listener) => listener.close(0)));
      return cut;
    },
  };
}

function hex(bytes: number): string {
  return [...nodeIds.random(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
