// Broken setups with a scripted provider: `check` names the class, the words and the setting.

import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createServer as createSilentServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Base, checkSetup } from "../providers/broken/run-check.ts";
import { WIRE } from "../providers/broken/wire.ts";
import type { Action, BrokenSetup, Scripted, ScriptedAnswer } from "../providers/broken-setups.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Authority, makeAuthority, makeKey, type TestCertificate } from "../support/keys.ts";
import { listenLocally } from "../support/port.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();
let authority: Authority;
let certificate: TestCertificate;
const keys: Record<"SIGNING_KEY" | "OTHER_KEY", string> = { SIGNING_KEY: "", OTHER_KEY: "" };
let published: object;

beforeAll(async () => {
  authority = await makeAuthority();
  certificate = await authority.issue("127.0.0.1", { ips: ["127.0.0.1"] });
  const [signing, other] = [await makeKey("ES256"), await makeKey("ES256")];
  Object.assign(keys, { SIGNING_KEY: signing.pem, OTHER_KEY: other.pem });
  const { d: _, ...jwk } = signing.jwk;
  published = { keys: [{ ...jwk, kid: "2026-11", alg: "ES256", use: "sig" }] };
});

const TOKEN = { access_token: "opaque", token_type: "Bearer", expires_in: 300 };
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

function listen(server: Server): Promise<number> {
  servers.push(server);
  return listenLocally(server);
}

/** Answers for the provider and for the address of our keys. */
function answerAs(script: Scripted) {
  return (request: IncomingMessage, response: ServerResponse) => {
    const protocol = "encrypted" in request.socket ? "https" : "http";
    const url = `${protocol}://127.0.0.1:${request.socket.localPort}`;
    const metadata = { issuer: url, token_endpoint: `${url}/token` };
    const byPath: Record<string, [ScriptedAnswer | undefined, object]> = {
      "/keys/.well-known/jwks.json": [script.keys, published],
      "/token": [script.token, TOKEN],
    };
    const [scripted = {}, usual] = byPath[request.url as string] ?? [script.discovery, metadata];
    const { status = 200, headers = {}, body = status === 200 ? usual : "" } = scripted;
    const type = typeof body === "string" ? "text/html" : "application/json";
    const text = typeof body === "string" ? body : JSON.stringify(body);
    response.writeHead(status, { "content-type": type, ...headers }).end(text.replaceAll("{{url}}", url));
  };
}

async function start(action: Action | undefined): Promise<{ url: string; keysUrl: string }> {
  const script = action === undefined || "stop" in action ? {} : (action as Scripted);
  const answer = answerAs(script);
  const plain = createPlainServer(answer);
  const port = await listen(plain);
  const plainUrl = `http://127.0.0.1:${port}`;
  if (action !== undefined && "stop" in action) {
    if (action.stop === "provider") plain.close();
    return { url: plainUrl, keysUrl: action.stop === "keys" ? "http://127.0.0.1:9" : plainUrl };
  }
  if (script.listener === undefined) return { url: plainUrl, keysUrl: plainUrl };
  if (script.listener === "silent") {
    return { url: `http://127.0.0.1:${await listen(createSilentServer(() => {}))}`, keysUrl: plainUrl };
  }
  const own = {
    tls: certificate,
    "tls for another host": await authority.issue("other", { dns: ["other.example"] }),
    "expired tls": await authority.issue("127.0.0.1", { ips: ["127.0.0.1"], notAfter: new Date(Date.now() - 60_000) }),
  }[script.listener];
  const tls = createTlsServer({ cert: own.certificate, key: own.private_key }, answer);
  return { url: `https://127.0.0.1:${await listen(tls)}`, keysUrl: plainUrl };
}

async function baseOf({ base, action }: BrokenSetup): Promise<Base> {
  const { url, keysUrl } = await start(action);
  const own = {
    secret: {},
    tls: { tls: { ca: { env: "CA" } } },
    private_key_jwt: { token_endpoint_auth_method: "private_key_jwt", client_secret: undefined },
  }[base];
  const provider = {
    ...{ token_endpoint: undefined, issuer: url, params: { userid: "{{userid}}" } },
    ...own,
  };
  const signing = {
    issuer: `${keysUrl}/keys`,
    keys: [{ kid: "2026-11", alg: "ES256", private_key: { env: "SIGNING_KEY" } }],
  };
  const file = fileConfig("", { provider, file: base === "private_key_jwt" ? { signing } : {} }) as Base["file"];
  const tls = {
    CA: authority.certificate,
    CERTIFICATE: certificate.certificate,
    CERTIFICATE_KEY: certificate.private_key,
  };
  return { file, env: { ...SECRETS, ...keys, ...tls }, place: { url, issuer: url, tokenEndpoint: `${url}/token` } };
}

it.each(WIRE.map((setup) => [`${setup.broken} (${setup.base})`, setup] as const))("%s", async (_, setup) => {
  expect(await checkSetup(setup, await baseOf(setup), folder)).toEqual([]);
});
