// A running proxy as an operator sees it: readiness, the status page.

import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALL, callGetToken, NONCE } from "../support/call.ts";
import { providerConfig, SECRETS } from "../support/config.ts";
import { type ConnectProxy, startConnectProxy } from "../support/connect-proxy.ts";
import { startKubernetesIssuer } from "../support/kubernetes-issuer.ts";
import { exchange } from "../support/raw-call.ts";
import { json, token } from "../support/recording-provider.ts";
import { useService } from "../support/service.ts";

const service = useService();

async function readyz(adminUrl: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${adminUrl}/readyz?verbose`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("readiness", () => {
  it("needs no discovery if the file names the endpoint, and is on the admin listener only", async () => {
    await service.configure();
    const { listen, admin } = await service.start();
    const providers = { main: { ready: true, breaker: "closed" } };
    const body = { status: "ready", in_flight: 0, providers, nextauth: {} };
    expect(await readyz(admin)).toEqual({ status: 200, body });
    expect((await fetch(`${listen}/readyz`)).status).toBe(404);
    // Load balancers check the health in HTTP/1.0 without a Host header.
    const old = await exchange(admin, "GET /readyz?verbose HTTP/1.0\r\n\r\n");
    expect([old.status, JSON.parse(old.body)]).toEqual([200, body]);
  });

  it("is answered only for host names of server.admin_hosts, which a reload can change", async () => {
    await service.configure({ server: { admin_hosts: ["a.bank.example"] } });
    const run = await service.start();
    const statusOf = async (host: string) =>
      (await exchange(run.admin, `GET /readyz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status;
    const hosts = ["a.bank.example", "A.bank.example.:9613", "b.bank.example", "127.0.0.1:80", "[::1]:80", "LOCALHOST"];
    const statuses = () => Promise.all(hosts.map(statusOf));
    expect(await statuses()).toEqual([200, 200, 421, 200, 200, 200]);
    await service.configure({ server: { admin_hosts: ["b.bank.example"] } });
    await run.reload();
    expect(await statuses()).toEqual([421, 421, 200, 200, 200, 200]);
  });

  it("waits for a provider that is down, which does not stop the start and is logged", async () => {
    const issuer = service.provider.url;
    service.provider.answer = json("down", 503);
    const unreachable = { issuer: "http://127.0.0.1:1", token_endpoint: undefined };
    const providers = {
      main: providerConfig("", { issuer, token_endpoint: undefined }),
      other: providerConfig("", unreachable),
    };
    const routes = [{ serverid: "other", provider: "other" }, { provider: "main" }];
    const providersAndRoutes = { providers, routes };
    await service.configure(providersAndRoutes);
    const run = await service.start();
    const before = await readyz(run.admin);
    expect(before.status).toBe(503);
    expect(before.body).toMatchObject({ status: "not ready", providers: { main: { ready: false } } });
    expect((await fetch(`${run.admin}/healthz`)).status).toBe(200);
    expect((await callGetToken(run.listen)).json()).toMatchObject({ error_code: "provider_error" });
    await expect
      .poll(() => run.lines("discovery failed"))
      .toContainEqual(
        expect.objectContaining({ provider: "other", error_code: "provider_unreachable", cause: "ECONNREFUSED" }),
      );

    service.provider.answer = (socket, request) =>
      request.method === "GET"
        ? json({ issuer, token_endpoint: service.provider.tokenEndpoint })(socket, request)
        : token()(socket, request);
    const isReady = async () => (await readyz(run.admin)).body.providers;
    await expect.poll(isReady).toMatchObject({ main: { ready: true }, other: { ready: false } });
    expect((await readyz(run.admin)).status).toBe(503);
    await service.configure({ ...providersAndRoutes, server: { readiness: "any" } });
    await run.reload();
    expect((await readyz(run.admin)).status).toBe(200);
    expect((await callGetToken(run.listen)).status).toBe(200);
  });
});

it("the status page shows the calls, and no user, session or secret", async () => {
  await service.configure();
  const { listen, admin } = await service.start();
  const { headers } = await callGetToken(listen);
  const page = await (await fetch(`${admin}/?paused`)).text();
  const rows = [...page.matchAll(/<tr><th scope="row">[\s\S]*?<\/tr>/g)].map(([row]) =>
    row.replaceAll(/(<[^>]*>|\s)+/g, " "),
  );
  expect(rows).toEqual([
    expect.stringMatching(/^ main Ready /),
    expect.stringContaining(` ${headers["x-request-id"]}`),
  ]);
  expect(rows[1]).toMatch(/ token 200 POST \/getToken nextauth-server main /);
  for (const hidden of [CALL.userid, NONCE, ...Object.values(SECRETS)]) expect(page).not.toContain(hidden);
});

describe("an egress proxy of the environment", () => {
  const env = () => ({
    HTTPS_PROXY: `http://token-proxy:canary-password@127.0.0.1:${port}`,
    no_proxy: "*.direct.example",
  });
  let port: number;
  let egress: ConnectProxy;
  beforeAll(async () => {
    egress = await startConnectProxy({ onConnect: (socket) => void socket.end("HTTP/1.1 407 No\r\n\r\n") });
    port = Number(new URL(egress.url).port);
  });
  afterAll(() => egress.close());
  const proxied = () => `sso.bank.example through 127.0.0.1:${port}`;
  /** `main` is behind it, `direct` and `local` are not. */
  const configure = (server: object = {}) => {
    const providers = {
      main: providerConfig("https://sso.bank.example/token"),
      direct: providerConfig("https://sso.direct.example/token"),
      local: providerConfig(service.provider.tokenEndpoint),
    };
    const routes = [
      { serverid: "local", provider: "local" },
      { serverid: "direct", provider: "direct" },
      { provider: "main" },
    ];
    return service.configure({ server, providers, routes });
  };

  it("is used, and named without the user in log, status page and check; a refusal is proxy_refused", async () => {
    await configure();
    const run = await service.start({ env: env() });
    expect(run.lines("started")[0]?.egress_proxy).toBe(proxied());
    const refused = await callGetToken(run.listen);
    expect([refused.status, refused.json().error_code]).toEqual([502, "proxy_refused"]);
    expect((await callGetToken(run.listen, { body: { ...CALL, serverid: "local" } })).status).toBe(200);
    expect(egress.requests.map(({ target }) => target)).toEqual(["sso.bank.example:443"]);
    const page = await (await fetch(run.admin)).text();
    expect(page).toContain(proxied());
    const checked = service.run(["check"], { env: { ...SECRETS, ...env() } });
    await checked.exit();
    expect(checked.stdout()).toMatch(new RegExp(`^egress proxy +${proxied()}$`, "m"));
    await expect.poll(() => run.lines("call")).toHaveLength(2);
    expect(run.lines("call")[0]).toMatchObject({ level: "error", error_code: "proxy_refused", cause: "PROXY_407" });
    expect(run.stdout() + page + refused.text + checked.stdout() + checked.stderr()).not.toMatch(/canary|token-proxy:/);
  });

  it("is ignored with server.env_proxy: false", async () => {
    await configure({ env_proxy: false });
    const { lines } = await service.start({ env: env() });
    expect(lines("started")[0]).not.toHaveProperty("egress_proxy");
  });

  it("that is no URL is refused at the start, without its text", async () => {
    await configure();
    const run = service.run([], {
      env: { ...SECRETS, https_proxy: "socks5://token-proxy:canary-password@127.0.0.1:1" },
    });
    expect(await run.exit()).toBe(2);
    expect(run.stderr()).toContain('"server.env_proxy" is true, but https_proxy in the environment is not the URL');
    expect(run.stderr()).not.toMatch(/canary|socks/);
  });
});

describe("a client assertion that the platform writes", () => {
  const AUD = "https://sso.bank.example";
  let issuer: Awaited<ReturnType<typeof startKubernetesIssuer>>;
  beforeAll(async () => {
    issuer = await startKubernetesIssuer(AUD);
  });
  afterAll(() => issuer.close());
  const configure = () =>
    service.configure({
      main: {
        token_endpoint_auth_method: "private_key_jwt",
        client_secret: undefined,
        client_assertion: { file: "idp/token", aud: AUD },
      },
    });
  /** Its expiry, as the log and `check` write it. */
  const endOf = (jwt: string) => new Date(Number(decodeJwt(jwt).exp) * 1_000).toISOString();
  const sent = () => service.provider.requests.map(({ body }) => new URLSearchParams(body).get("client_assertion"));
  async function check(): Promise<{ status: number | null; text: string }> {
    const run = service.run(["check"], { env: SECRETS });
    return { status: await run.exit(), text: run.stdout() + run.stderr() };
  }

  it("is sent as the file has it at that time, and its expiry is in log, metrics, status page and check", async () => {
    await configure();
    const [first, second] = [await issuer.token(), await issuer.token({ expiresInSeconds: 1_800 })];
    await issuer.project(`${service.folder}/idp`, first);
    const run = await service.start();
    expect(run.lines("started")[0]?.client_assertions).toBe(`main expires ${endOf(first)}`);
    expect((await callGetToken(run.listen)).status).toBe(200);
    await issuer.project(`${service.folder}/idp`, second);
    expect((await callGetToken(run.listen)).status).toBe(200);
    expect(sent()).toEqual([first, second]);
    const metrics = async () => (await fetch(`${run.admin}/metrics`)).text();
    const expiry = (jwt: string) =>
      `token_proxy_client_assertion_expiry_timestamp_seconds{provider="main"} ${decodeJwt(jwt).exp}`;
    expect(await metrics()).toContain(expiry(second));
    // Without a call, each scrape reads the file for the next one.
    await issuer.project(`${service.folder}/idp`, first);
    await expect.poll(metrics).toContain(expiry(first));
    await issuer.project(`${service.folder}/idp`, second);
    await expect.poll(metrics).toContain(expiry(second));
    const page = await (await fetch(run.admin)).text();
    expect(page).toMatch(/client assertion expires in (?:29|30) min/);
    const checked = await check();
    expect(checked.text).toMatch(/^ {2}client +client_id: token-proxy, method: private_key_jwt, /m);
    expect(checked.text).toMatch(new RegExp(`^ {2}assertion +expires ${endOf(second)}, read$`, "m"));
    expect(checked.status).toBe(0);
    for (const part of [...first.split("."), ...second.split(".")]) {
      expect(run.stdout() + run.stderr() + page + checked.text).not.toContain(part);
    }
  });

  it("that is unfit is not sent: log, status page and check say why, without a part of it", async () => {
    await configure();
    const unfit = await issuer.token({ aud: "https://kubernetes.default.svc" });
    await issuer.project(`${service.folder}/idp`, unfit);
    const run = await service.start();
    const problem =
      '"providers.main.client_assertion.file" names a JWT whose only audience is not the configured aud, so it is not for this provider';
    expect(run.lines("started")[0]?.client_assertions).toBe(`main ${problem}`);
    const refused = await callGetToken(run.listen);
    expect([refused.status, refused.json()]).toEqual([
      502,
      expect.objectContaining({ error_code: "client_assertion_unusable", error_description: problem }),
    ]);
    expect(sent()).toEqual([]);
    await expect.poll(() => run.lines("call")).toMatchObject([{ level: "error", reason: problem }]);
    const page = await (await fetch(run.admin)).text();
    expect(page).toContain("is not the configured aud");
    const checked = await check();
    expect(checked.text).toContain(`FAILED          client_assertion_unusable: ${problem}`);
    expect(checked.status).toBe(1);
    for (const part of unfit.split(".")) {
      expect(run.stdout() + run.stderr() + page + checked.text + refused.text).not.toContain(part);
    }
    await issuer.project(`${service.folder}/idp`, await issuer.token());
    expect((await callGetToken(run.listen)).status).toBe(200);
  });

  it("may be missing at the start; the log says where it was looked for, and the response does not", async () => {
    await configure();
    const run = await service.start();
    const refused = await callGetToken(run.listen);
    expect(refused.json().error_description).toBe(
      '"providers.main.client_assertion.file" names a file that cannot be read',
    );
    await expect
      .poll(() => run.lines("call")[0]?.problem)
      .toBe("names a file that cannot be read (ENOENT): idp/token: there is no such file");
    await issuer.project(`${service.folder}/idp`, await issuer.token());
    expect((await callGetToken(run.listen)).status).toBe(200);
    expect(run.lines("reloaded")).toEqual([]); // it is no configuration
  });
});
