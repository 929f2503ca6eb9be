// Dev mode: provider, proxy and nextAuth Server in one process, and one getToken call through them.

import { randomBytes } from "node:crypto";
import { styleText } from "node:util";
import { decodeJwt } from "jose";
import { parseConfig } from "../../config/parse.ts";
import { createNodeCredentialHost } from "../../node/credentials.ts";
import { ListenError, listen } from "../../node/inbound/listener.ts";
import { type Service, startService } from "../../node/service.ts";
import { createStandIn, getTokenRequest, type TokenService } from "./nextauth-server.ts";
import { createDevProvider, DEV_CLIENT_ID, DEV_GRANT_TYPE } from "./provider.ts";

const ANY_PORT = { host: "127.0.0.1", port: 0 };
const SERVERID = "ZGV2";
const ACCOUNT = { userid: "alice", accountid: 7 };
/** Used instead of a file name in errors. */
const DEV_FILE = "dev mode";

const write = (text: string) => void process.stdout.write(text);
/** Plain in a pipe and under NO_COLOR. */
const bold = (text: string) => styleText("bold", text, { stream: process.stdout });

/** @throws {Error} if the app does not get the provider's bytes: this installation is broken */
export async function startDev(): Promise<Service> {
  const secrets = { DEV_APIKEY: newSecret(), DEV_CLIENT_SECRET: newSecret(), DEV_NEXTAUTH_APIKEY: newSecret() };
  const provider = await createDevProvider(secrets.DEV_CLIENT_SECRET);
  const providerListener = await listen(provider.fetch, ANY_PORT, "the embedded provider");
  const standIn = createStandIn(SERVERID, secrets.DEV_NEXTAUTH_APIKEY);
  const nextauthListener = await listen(standIn.fetch, ANY_PORT, "the embedded nextAuth Server");

  const start = (port: number, adminPort: number) => {
    const text = devConfig(port, adminPort, providerListener.url, nextauthListener.url);
    const host = createNodeCredentialHost(secrets, ".");
    return startService(() => ({ file: parseConfig(text, DEV_FILE), host }), {
      tryIt: (account) => standIn.getToken(standIn.login(account), service),
    });
  };
  const proxy = await start(8080, 9613).catch((error: unknown) => {
    if (error instanceof ListenError) return start(0, 0); // another program uses the usual ports
    throw error;
  });
  const service: TokenService = { url: proxy.url, apikey: secrets.DEV_APIKEY };
  const nonce = standIn.login(ACCOUNT);

  if (!proxy.url.endsWith(":8080")) write("Ports 8080 and 9613 are not both free: this run uses others.\n\n");
  write(`${bold("Dev mode")}: everything listens only on loopback, with keys made for this run. Not for production.

  provider          ${providerListener.url}  (embedded)
  nextAuth Server   ${nextauthListener.url}  (embedded stand-in)
  proxy             ${proxy.url}  POST /getToken, POST /token
  status page       ${proxy.adminUrl}/

`);
  const started = performance.now();
  const { status, bytes } = await standIn.getToken(nonce, service);
  const milliseconds = Math.round(performance.now() - started);
  const text = new TextDecoder().decode(bytes);
  if (status !== 200 || text !== provider.lastResponse()) {
    write(`The getToken call failed with status ${status}: ${text}\nInstall again with "npm ci", and start again.\n`);
    throw new Error("dev mode failed");
  }
  const call = getTokenRequest({ serverid: SERVERID, nonce, ...ACCOUNT }, service);
  const headers = Object.entries(call.headers).map(([name, value]) => `-H '${name}: ${value}'`);
  write(`${bold("One getToken call")}: app -> nextAuth Server -> proxy -> provider and back, in ${milliseconds} ms.
The app's TokenResult, ${bytes.length} bytes, the same as the provider sent:

${text}
Claims of its access_token: ${JSON.stringify(decodeJwt(JSON.parse(text).access_token))}

${bold("Repeat this call:")}

  curl -s ${call.url} ${headers.join(" ")} -d '${call.body}'

${bold("Exchange the app's webNonce for a token, as a standard OAuth client does:")}

  curl -s ${proxy.url}/token -d grant_type=authorization_code --data-urlencode 'code=${nonce}'

To use your own provider, write a token-proxy.yaml (see "The smallest configuration" in README.md) and start again. Ctrl-C stops.
`);
  return {
    ...proxy,
    async stop() {
      const cut = await proxy.stop(true);
      await Promise.all([providerListener.close(0), nextauthListener.close(0)]);
      return cut;
    },
  };
}

function devConfig(port: number, adminPort: number, issuer: string, nextauthUrl: string): string {
  return `
version: 1
server: { listen: "127.0.0.1:${port}", admin: "127.0.0.1:${adminPort}" }
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

function newSecret(): string {
  return randomBytes(24).toString("hex");
}
