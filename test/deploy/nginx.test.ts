// nginx with the configuration of deploy/nginx in front of a started proxy, on real sockets.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import {
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { listenLocally } from "../support/port.ts";
import { json, type RecordingProvider, respond, startRecordingProvider, token } from "../support/recording-provider.ts";
import { NGINX, type Nginx, render, startNginx } from "./nginx.ts";

const run = promisify(execFile);
const hasNginx = existsSync(NGINX);
const title = hasNginx ? "nginx" : "nginx [skipped: it is not installed]";

describe.skipIf(!hasNginx)(title, () => {
  let provider: RecordingProvider;
  let nextauth: NextAuthServer;
  let host: Host;
  let nginx: Nginx;

  beforeAll(async () => {
    provider = await startRecordingProvider();
    nextauth = await startNextAuthServer();
    const binding = {
      values: {
        serverid: ["body:/serverid"],
        userid: ["body:/userid"],
        nonce: ["header:X-nonce"],
        device: ["header:X-Device", "query:device"],
        bearer: ["header:Authorization"],
      },
      session: "trust",
    };
    const params = { userid: "{{userid}}", nonce: "{{nonce}}", device: "{{device}}", bearer: "{{bearer}}" };
    const file = {
      server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", trusted_proxies: ["127.0.0.1"] },
      get_token: binding,
      nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
      webnonce_exchange: {
        path: "/token",
        provider: "apps",
        rate_limit: { per_address: { limit: 1, window: "1m" } },
      },
      providers: {
        main: providerConfig(provider.tokenEndpoint, { params }),
        apps: providerConfig(provider.tokenEndpoint),
      },
      routes: [{ provider: "main" }],
    };
    const secrets = { ...SECRETS, NEXTAUTH_APIKEY };
    host = await startHost(fileConfig(provider.tokenEndpoint, { file }), secrets, { runtime: "node" });
    nginx = await startNginx([new URL(host.url).host]);
  });
  beforeEach(() => {
    provider.requests.length = 0;
    provider.answer = token();
  });
  afterAll(async () => {
    await nginx?.close();
    await host?.close();
    await nextauth?.close();
    await provider?.close();
  });

  const HEADERS = { "X-apikey": APIKEY, "X-Device": "phone-1", Authorization: "Bearer the-user-token" };

  it("accepts the configuration", async () => {
    const { args, folder } = await render(["127.0.0.1:8080"]);
    const { stderr } = await run(NGINX, ["-t", ...args]);
    expect(stderr).toContain("test is successful");
    expect(stderr).not.toMatch(/\[(warn|emerg|error)\]/);
    await rm(folder, { recursive: true });
  });

  it("relays the provider's bytes unchanged", async () => {
    for (const name of ["bom", "crlf", "escapes", "non-ascii", "duplicate-members", "trailing-newlines"]) {
      const bytes = await readFile(new URL(`../fixtures/bodies/${name}.json`, import.meta.url));
      provider.answer = respond({ headers: { "Content-Type": "application/json" }, body: bytes });
      const answer = await nginx.send({ headers: { ...HEADERS, "Accept-Encoding": "gzip" } });
      expect(answer.status, name).toBe(200);
      expect(answer.body.equals(bytes), name).toBe(true);
      expect(answer.headers["content-encoding"]).toBeUndefined();
    }
  });

  it("relays an answer as long as max_response_bytes, and writes none to the disk", async () => {
    const text = JSON.stringify({ access_token: "a".repeat(65_000), token_type: "Bearer" });
    provider.answer = json(text);
    const answer = await nginx.send({ headers: HEADERS });
    expect(answer.text === text).toBe(true);
    const configuration = await readFile("deploy/nginx/nextauth-token-proxy.conf", "utf8");
    // Only a slow client would show it.
    expect(configuration).toContain("\n  proxy_max_temp_file_size 0;\n");
  });

  it("keeps the service's headers, and adds HSTS", async () => {
    const { headers } = await nginx.send({ headers: HEADERS });
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      pragma: "no-cache",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "strict-transport-security": "max-age=31536000",
      server: "nginx",
    });
  });

  it("keeps the caller's headers and query", async () => {
    expect((await nginx.send({ headers: HEADERS })).status).toBe(200);
    const sent = new URLSearchParams(provider.requests[0]?.body);
    expect(Object.fromEntries(sent)).toMatchObject({ userid: "alice", device: "phone-1", bearer: "the-user-token" });
    const { "X-Device": _, ...rest } = HEADERS;
    expect((await nginx.send({ headers: rest, path: "/getToken?device=a%2Fb" })).status).toBe(200);
    expect(new URLSearchParams(provider.requests[1]?.body).get("device")).toBe("a/b");
  });

  it("relays errors of the service and the provider", async () => {
    const wrongKey = await nginx.send({ headers: { ...HEADERS, "X-apikey": "not the key of the caller" } });
    expect(wrongKey.status).toBe(401);
    expect(wrongKey.headers["strict-transport-security"]).toBe("max-age=31536000");
    expect(wrongKey.json()).toMatchObject({ error_code: "caller_unauthenticated" });
    provider.answer = json('{ "error":"mfa_required" }', 403);
    const refused = await nginx.send({ headers: HEADERS });
    expect([refused.status, refused.text]).toEqual([403, '{ "error":"mfa_required" }']);
    provider.answer = json({}, 500);
    const failed = await nginx.send({ headers: HEADERS });
    expect([failed.status, failed.json().error_code]).toEqual([502, "provider_error"]);
    provider.answer = json({}, 429, { "Retry-After": "7" });
    const busy = await nginx.send({ headers: HEADERS });
    expect([busy.status, busy.headers["retry-after"]]).toEqual([503, "7"]);
  });

  it("lets the service refuse a body that is too large, up to twice its limit", async () => {
    const beyondService = await nginx.send({ headers: HEADERS, body: JSON.stringify({ a: "a".repeat(100_000) }) });
    expect([beyondService.status, beyondService.json().error_code]).toEqual([413, "call_too_large"]);
    const beyondNginx = await nginx.send({ headers: HEADERS, body: Buffer.alloc(200_000, 97) });
    expect([beyondNginx.status, beyondNginx.headers["content-type"]]).toEqual([413, "text/html"]);
  });

  it("reaches no page of the admin listener", async () => {
    for (const path of ["/healthz", "/readyz", "/metrics", "/version", "/", "/getToken/../healthz"]) {
      expect((await nginx.send({ method: "GET", path, body: undefined })).status, path).toBe(404);
    }
  });

  it("relays the path as it was sent", async () => {
    for (const path of ["//getToken", "/./getToken", "/%67etToken", "/getToken/"]) {
      expect((await nginx.send({ path, headers: HEADERS })).status, path).toBe(404);
    }
  });

  it("tells the service the client's address, and ignores what the client says", async () => {
    const exchange = (from: string, code: string, forwarded: string) =>
      nginx.send({
        path: "/token",
        from,
        headers: { "Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": forwarded },
        body: `grant_type=authorization_code&code=${code}`,
      });
    expect((await exchange("127.0.0.2", "one", "192.0.2.1")).json()).toMatchObject({ error: "invalid_grant" });
    expect((await exchange("127.0.0.2", "two", "192.0.2.2")).status).toBe(429);
    expect((await exchange("127.0.0.3", "three", "192.0.2.1")).json()).toMatchObject({ error: "invalid_grant" });
  });

  it("writes a log line with the request id, and without the query", async () => {
    const { headers } = await nginx.send({ headers: HEADERS, path: "/getToken?device=of-the-log" });
    const line = new RegExp(`"POST /getToken" 200 \\d+ [\\d.]+ 127.0.0.1:\\d+ 200 ${headers["x-request-id"]}\n`);
    await expect.poll(() => nginx.accessLog()).toMatch(line); // nginx writes it after the response
    expect(await nginx.accessLog()).not.toContain("of-the-log");
  });
});

describe.skipIf(!hasNginx)(`${title} before two servers that close without an answer`, () => {
  it("asks only one of them, because a second getToken would be a second token", async () => {
    let requests = 0;
    const servers = await Promise.all(
      [0, 1].map(async () => {
        const server = createServer((socket) => {
          socket.on("error", () => {});
          socket.once("data", () => {
            requests += 1;
            socket.destroy();
          });
        });
        return { server, at: `127.0.0.1:${await listenLocally(server)}` };
      }),
    );
    const nginx = await startNginx(servers.map(({ at }) => at));
    try {
      expect((await nginx.send({ method: "GET", body: undefined })).status).toBe(502);
      expect(requests).toBe(1);
      expect((await nginx.send()).status).toBe(502);
      expect(requests).toBe(2);
    } finally {
      await nginx.close();
      for (const { server } of servers) server.close();
    }
  });
});
