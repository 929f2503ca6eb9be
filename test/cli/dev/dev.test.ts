// The command `dev`: the embedded provider, your own file, and who may use the page with the form.

import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { callGetToken } from "../../support/call.ts";
import { providerConfig } from "../../support/config.ts";
import { freePort, listenLocally } from "../../support/port.ts";
import type { Run } from "../../support/process.ts";
import { useService } from "../../support/service.ts";
import { runCommand } from "../run-command.ts";

const service = useService();

/** The page that plays the phone. */
async function pageOf(run: Run): Promise<string> {
  return (await run.said(/play the phone +(http:\S+)/))[1] as string;
}

/** @returns the status and the blocks of the page, by heading */
async function send(page: string, form: Record<string, string>) {
  const headers = { "Sec-Fetch-Site": "same-origin" };
  const answer = await fetch(page, { method: "POST", body: new URLSearchParams(form), headers });
  const text = (await answer.text()).replaceAll("&quot;", '"').replaceAll("&amp;", "&");
  const blocks = [...text.matchAll(/<h3>(.*?)<\/h3>.*?<pre[^>]*>\n(.*?)<\/pre>/gs)];
  return {
    status: Number(/Status (\d+)/.exec(text)?.[1]),
    alert: /role="alert">(.*?)</.exec(text)?.[1],
    ...Object.fromEntries(blocks.map(([, heading, content]) => [heading, content])),
  };
}
const ANSWER = "The response, byte for byte";
const CALL = "The call as it was sent";
const CLAIMS = "The access_token, decoded; its signature is not verified";

describe("without a file", () => {
  it("makes one real call; its curl line and its form repeat it", async () => {
    const dev = service.run(["dev"]);
    const [, url] = await dev.said(/proxy +(http:\S+)/);
    const [, token = ""] = await dev.said(/TokenResult, with status 200 .*\n\n\{.*"access_token": "(.+)" \}/);
    expect(decodeJwt(token)).toMatchObject({ sub: "alice", accountid: "7" });
    const [, target, options = ""] = await dev.said(/curl -s '(\S+)' (.+)/);
    expect(target).toBe(`${url}/getToken`);
    const headers = Object.fromEntries([...options.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name, v]) => [name, v]));
    const answer = await callGetToken(url as string, { headers, body: /--data-raw '(.+)'/.exec(options)?.[1] });
    expect([answer.status, answer.json()]).toMatchObject([200, { token_type: "Bearer", expires_in: 300 }]);

    const user = { endpoint: "getToken: POST /getToken", "value:userid": "Zoë", "value:accountid": "12" };
    const shown = await send(await pageOf(dev), { ...user, session: "logged in" });
    expect(shown.status).toBe(200);
    expect(JSON.parse(shown[CLAIMS] as string).claims).toMatchObject({ sub: "Zoë" });
    dev.process.kill("SIGINT");
    expect(await dev.exit()).toBe(0);
  });

  it("does not use a socket that somebody passes, which may be open to others", async () => {
    const socket = createServer();
    const port = await listenLocally(socket);
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    const dev = service.run(["dev"], { socket: fd });
    const [, url = ""] = await dev.said(/proxy +(http:\S+)/);
    expect(new URL(url).port).not.toBe(String(port));
    socket.close();
  });

  it("has no use for an env file without a file", async () => {
    const { status, err } = await runCommand(["dev", "--env-file", ".env"]);
    expect([status, err]).toEqual([2, expect.stringMatching(/^--env-file is for .* add --config, or leave it out\n$/)]);
  });

  it("is refused in production", async () => {
    const { status, err } = await runCommand(["dev"], { env: { NODE_ENV: "production" } });
    expect([status, err]).toEqual([2, expect.stringContaining('NODE_ENV is "production"')]);
  });
});

describe("with a file", () => {
  const FILE = {
    callers: { ns: { apikeys: [{ env: "NOT_SET" }], client_certificates: [{ san_dns: "ns.bank.example" }] } },
    nextauth: { url: "https://ns.bank.example", apikey: { env: "NOT_SET" }, serverid: "c2VydmVyLTE=" },
    webnonce_exchange: { path: "/token" },
    get_token: {
      ...{ session: "verify", path: "/tenants/{serverid}/token" },
      values: { serverid: ["path:serverid"], userid: ["form:user"], nonce: ["header:X-session"] },
    },
  };
  const CUSTOM = "getToken: POST /tenants/{serverid}/token";
  const EXCHANGE = "webNonce exchange: POST /token";
  const ALICE = { "value:userid": "alice", "value:accountid": "7", "value:serverid": "a/b=" };
  let dev: Run;
  let page: string;

  beforeEach(async () => {
    const tls = { certificate: { env: "NOT_SET" }, private_key: { env: "NOT_SET" }, client_ca: { env: "NOT_SET" } };
    const server = { listen: `0.0.0.0:${await freePort()}`, admin: "[::]:0", admin_hosts: ["evil.example"], tls };
    await service.configure({ ...FILE, server, main: { params: { user: "{{userid}}", account: "{{accountid}}" } } });
    await service.write("dev.env", "CLIENT_SECRET=s3cret");
    dev = service.run(["dev", "--config", "token-proxy.yaml", "--env-file", "dev.env"]);
    page = await pageOf(dev);
  });
  afterEach(() => void dev.process.kill("SIGKILL"));

  it("calls as the binding says, and the stand-in confirms the session", async () => {
    const shown = await send(page, { ...ALICE, endpoint: CUSTOM, session: "logged in" });
    expect(shown.status).toBe(200);
    expect(shown[CALL]).toMatch(
      /^POST \/tenants\/a%2Fb%3D\/token\nhost: 127[\s\S]*\nx-session: \S+\n[\s\S]*\n\nuser=alice$/,
    );
    expect(shown[ANSWER]).toContain("access_token");
    expect(service.provider.requests).toHaveLength(1);
    const asked = new URLSearchParams(service.provider.requests[0]?.body);
    expect([asked.get("user"), asked.get("account")]).toEqual(["alice", "7"]);
  });

  it.each([
    [CUSTOM, 403, "session_not_logged_in"],
    [EXCHANGE, 400, "session_not_logged_in"],
  ])("%s refuses sessions that are not logged in or have expired", async (endpoint, status, code) => {
    for (const session of ["not logged in", "expired"]) {
      const shown = await send(page, { ...ALICE, endpoint, session });
      expect([shown.status, JSON.parse(shown[ANSWER] as string).error_code]).toEqual([status, code]);
    }
    expect(service.provider.requests).toEqual([]);
  });

  it("exchanges a webNonce that it mints", async () => {
    const shown = await send(page, { ...ALICE, endpoint: EXCHANGE, session: "logged in" });
    expect(shown.status).toBe(200);
    expect(shown[CALL]).toMatch(/\n\ngrant_type=authorization_code&code=\S+$/);
  });

  it("listens only on loopback, in the clear", async () => {
    const [, url] = await dev.said(/proxy +(http:\S+)/);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect(page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/dev\/[0-9a-f]{64}\/$/);
    expect((await callGetToken(url as string)).status).toBe(404);
    expect((await fetch(page.replace(/[0-9a-f]\/$/, "x/"))).status).toBe(404);
  });

  it("follows a reload", async () => {
    await service.configure({ ...FILE, get_token: { path: "/new" } });
    dev.process.kill("SIGHUP");
    await dev.said(/"event":"reloaded"/);
    expect(await send(page, { ...ALICE, endpoint: CUSTOM })).toMatchObject({
      alert: expect.stringContaining("no longer"),
    });
    await service.configure({ ...FILE, get_token: { path: "/newer" }, main: { client_secret: { env: "NOT_SET" } } });
    dev.process.kill("SIGHUP");
    await dev.said(/"event":"not reloaded/);
    expect(await send(page, { ...ALICE, endpoint: "getToken: POST /new" })).toMatchObject({ status: 200 });
  });
});

describe("a provider on another machine", () => {
  const configure = (main: object) =>
    service.configure({
      main: { token_endpoint: undefined, ...main },
      callers: { ns: { apikeys: [{ env: "NOT_SET" }] } },
    });
  const run = (...args: string[]) =>
    runCommand(["dev", "--config", "token-proxy.yaml", ...args], { cwd: service.folder, env: { CLIENT_SECRET: "s" } });

  it.each([
    ["issuer", { issuer: "https://sso.bank.example" }],
    ["metadata_url", { issuer: "http://127.0.0.1:1", metadata_url: "https://sso.bank.example/metadata" }],
    ["token_endpoint", { issuer: "http://127.0.0.1:1", token_endpoint: "https://sso.bank.example/token" }],
  ])("by its %s is refused, with the reason and the option", async (_, main) => {
    await configure(main);
    const { status, err } = await run();
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(
        /^the provider https:\/\/sso\.bank\.example\S* is on another machine, .*any user.*--allow-real-provider\n$/,
      ),
    ]);
  });

  it("that only discovery names is not asked", async () => {
    const metadata = createHttpServer((_request, response) =>
      response.end(JSON.stringify({ issuer, token_endpoint: "https://sso.bank.invalid/token" })),
    );
    const issuer = `http://127.0.0.1:${await listenLocally(metadata)}`;
    await configure({ issuer, proxy: "none" });
    const env = { CLIENT_SECRET: "s", https_proxy: "" };
    const dev = service.run(["dev", "--config", "token-proxy.yaml"], { env });
    const form = { endpoint: "getToken: POST /getToken", "value:userid": "alice", "value:accountid": "7" };
    const shown = await send(await pageOf(dev), { ...form, session: "logged in" });
    expect(JSON.parse(shown[ANSWER] as string).error_code).toBe("provider_unreachable");
    await dev.said(/"cause":"NEEDS_ALLOW_REAL_PROVIDER"/);
    metadata.close();
  });

  it("needs --allow-real-provider, also after a reload", async () => {
    const main = { token_endpoint: "https://sso.bank.invalid/token" };
    await configure(main);
    const args = ["dev", "--config", "token-proxy.yaml"];
    const allowed = service.run([...args, "--allow-real-provider"], { env: { CLIENT_SECRET: "s" } });
    expect(await pageOf(allowed)).toMatch(/^http/);
    allowed.process.kill("SIGKILL");

    await service.configure();
    const local = service.run(args, { env: { CLIENT_SECRET: "s" } });
    await pageOf(local);
    await service.configure({ providers: { main: providerConfig("https://sso.bank.invalid/token") } });
    local.process.kill("SIGHUP");
    await local.said(/"event":"not reloaded|not reloaded - the provider https:\S+ is on another machine/);
  });
});

it("an occupied port leads to another one, and a faulty file to status 2 with nothing left running", async () => {
  const taken = createServer();
  await service.configure({ server: { listen: `127.0.0.1:${await listenLocally(taken)}` } });
  const dev = service.run(["dev", "--config", "token-proxy.yaml"], { env: { CLIENT_SECRET: "s" } });
  await dev.said(/The usual ports are not free/);
  expect(await pageOf(dev)).toMatch(/^http/);
  taken.close();
  const faulty = service.run(["dev", "--config", "token-proxy.yaml"]); // without the secret
  expect(await faulty.exit()).toBe(2);
  expect(faulty.stderr()).toContain('"providers.main.client_secret"');
});
