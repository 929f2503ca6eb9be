// createApp of the main entry: the proxy as a part of another Hono app, on real sockets.

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type CallReport, ConfigError, type CreateAppOptions, createApp } from "../../src/index.ts";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { makeKey } from "../support/keys.ts";
import { exchange, request } from "../support/raw-call.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const BYTES = '{ "access_token":"caf\\u00e9",\n "token_type":"Bearer" }\r\n';

let provider: RecordingProvider;
const servers: ServerType[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  provider.answer = json(BYTES);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => provider?.close());

function createProxy(file: object = {}, options: CreateAppOptions = {}): Promise<Hono> {
  return createApp(JSON.stringify(fileConfig(provider.tokenEndpoint, { file })), { env: SECRETS, ...options });
}

async function serveApp(app: Hono): Promise<string> {
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  servers.push(server);
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("routed in another app", () => {
  it("answers getToken with the provider's bytes, and leaves other paths to that app", async () => {
    const app = new Hono().route("/", await createProxy()).get("/own", (c) => c.text("own"));
    const url = await serveApp(app.notFound((c) => c.text("nothing of mine", 404)));
    const answer = await callGetToken(url);
    expect([answer.status, answer.text]).toEqual([200, BYTES]);
    expect((await callGetToken(url, { headers: { "X-apikey": "wrong" } })).status).toBe(401);
    expect((await callGetToken(url, { method: "GET", body: undefined })).status).toBe(405);
    expect(await (await fetch(`${url}/own`)).text()).toBe("own");
    expect(await (await fetch(`${url}/other`)).text()).toBe("nothing of mine");
  });

  it("answers at every path of the file: several bindings, the exchange, the published keys", async () => {
    const { pem } = await makeKey("ES256");
    const values = { serverid: ["path:serverid"], userid: ["body:/userid"], nonce: ["header:X-nonce"] };
    const file = {
      get_token: [{}, { path: "/v2/{serverid}/token", values }],
      nextauth: { url: "http://127.0.0.1:1", apikey: { env: "APIKEY" }, serverid: "s" },
      webnonce_exchange: { path: "/token", provider: "main" },
      signing: { issuer: "https://a.example/auth", keys: [{ kid: "k", alg: "ES256", private_key: { env: "KEY" } }] },
    };
    const url = await serveApp(new Hono().route("/", await createProxy(file, { env: { ...SECRETS, KEY: pem } })));
    const unknown = await callGetToken(url, { headers: { "X-apikey": "wrong" }, path: "/v2/s/token" });
    expect(unknown.json().error_code).toBe("caller_unauthenticated");
    expect((await callGetToken(url, { path: "/token" })).json().error).toBe("invalid_request");
    for (const path of ["/auth/.well-known/jwks.json", "/.well-known/oauth-authorization-server/auth"]) {
      expect((await fetch(url + path)).status, path).toBe(200);
    }
  });

  it("compares the path as it was sent, although that app would decode it", async () => {
    const url = await serveApp(new Hono().route("/", await createProxy()));
    const answer = await callGetToken(url, { path: "/%67etToken" });
    expect([answer.status, answer.json().error_code]).toEqual([404, "not_found"]);
  });

  it("refuses an ambiguous request", async () => {
    const url = await serveApp(new Hono().route("/", await createProxy()));
    const twice = request("POST", "/getToken").replace("\r\n", "\r\nHost: 127.0.0.2\r\n");
    expect((await exchange(url, request("POST", "/getToken"))).status).toBe(200);
    expect((await exchange(url, twice)).status).toBe(400);
  });

  it("says what to do if the other app passes no env", async () => {
    const problems: Error[] = [];
    const app = new Hono().route("/", await createProxy()).onError((error, c) => {
      problems.push(error);
      return c.text("", 500);
    });
    expect((await app.request("/getToken", { method: "POST" })).status).toBe(500);
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining("serve the app with") })]);
  });
});

describe("served by itself, or mounted", () => {
  it("answers getToken, and 404 for other paths", async () => {
    const proxy = await createProxy();
    for (const app of [proxy, new Hono().mount("/", proxy.fetch)]) {
      const url = await serveApp(app);
      expect((await callGetToken(url)).text).toBe(BYTES);
      expect((await callGetToken(url, { path: "/other" })).json().error_code).toBe("not_found");
    }
  });

  it("needs the whole paths in its file if it is mounted below another path", async () => {
    const proxy = await createProxy({ get_token: [{ path: "/auth/getToken" }] });
    const url = await serveApp(new Hono().mount("/auth", proxy.fetch));
    expect((await callGetToken(url, { path: "/auth/getToken" })).text).toBe(BYTES);
  });
});

it("over HTTP/2, knows whether a response was delivered, and ends a call whose caller hangs up", async () => {
  const reports: CallReport[] = [];
  const { fetch } = await createProxy({}, { onCall: (report) => reports.push(report) });
  const server = serve({ fetch, createServer: createHttp2Server, port: 0, hostname: "127.0.0.1" });
  servers.push(server);
  await once(server, "listening");
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const headers = { ":method": "POST", ":path": "/getToken", "x-apikey": APIKEY, "x-nonce": NONCE };
  const call = () => client.request({ ...headers, "content-type": "application/json" }).end(JSON.stringify(CALL));
  call().resume();
  await expect.poll(() => reports).toMatchObject([{ outcome: "token", delivered: true }]);
  const cancelled = new Promise((resolve) => {
    provider.answer = (socket) => {
      socket.once("close", resolve);
      second.close(constants.NGHTTP2_CANCEL);
    };
  });
  const second = call();
  await cancelled;
  await expect.poll(() => reports[1]).toMatchObject({ error_code: "caller_gone", delivered: false });
  provider.answer = json(BYTES);
  client.close();
});

describe("its options", () => {
  it("report each call after its response, and an observer that fails ends nothing", async () => {
    const reports: CallReport[] = [];
    const events: string[] = [];
    const log = (_level: string, event: string) => void events.push(event);
    const onCall = (report: CallReport) => {
      reports.push(report);
      throw new Error("a fault of the observer");
    };
    const url = await serveApp(await createProxy({}, { onCall, log }));
    expect((await callGetToken(url)).status).toBe(200);
    await expect.poll(() => events).toEqual(["call", "onCall failed"]);
    expect(reports).toMatchObject([{ outcome: "token", provider: "main", attempts: 1, delivered: true }]);
    expect((await callGetToken(url)).status).toBe(200);
  });

  it("name the file for faults", async () => {
    const faulty = createProxy({ logg: {} }, { fileName: "my.yaml" });
    await expect(faulty).rejects.toThrow(ConfigError);
    await expect(faulty).rejects.toThrow(/^my\.yaml:1:\d+ "logg"/);
    await expect(createProxy({}, { env: {} })).rejects.toThrow(/environment variable APIKEY, which is not set/);
  });

  const folder = temporaryFolder();

  it("name the folder of files; those of the listener are not read", async () => {
    await writeFile(join(folder, "apikey"), APIKEY);
    const server = { tls: { certificate: { file: "none" }, private_key: { file: "none" } } };
    const callers = {
      a: { apikeys: [{ file: "apikey" }] },
      b: { client_certificates: [{ san_dns: "ns.bank.example" }] },
    };
    const url = await serveApp(await createProxy({ server, callers }, { folder }));
    expect((await callGetToken(url)).status).toBe(200);
    await expect(createProxy({ callers })).rejects.toThrow(/there is no such file/);
  });
});
