// The status page of a proxy that really runs, after calls of every kind; and in dev mode, where it makes one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { STATUS_PAGE_HEADERS } from "../../../src/node/admin/page.ts";
import { FAILURES_BEFORE_SUSPENSION } from "../../../src/oauth/breaker.ts";
import { CALL, callGetToken, NONCE } from "../../support/call.ts";
import { itInChromium, NOT_ACCESSIBLE, OVERFLOWING, picture, useChromium } from "../../support/chromium.ts";
import { fileConfig, providerConfig, SECRETS } from "../../support/config.ts";
import { type Host, startHost } from "../../support/host.ts";
import { makeKey } from "../../support/keys.ts";
import { freePort } from "../../support/port.ts";
import { type Run, runCli } from "../../support/process.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../../support/recording-provider.ts";

const { open } = useChromium();
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** One provider that answers, one at whose address nobody listens, one whose metadata cannot be had. */
async function startMixed(): Promise<{ host: Host; adminUrl: string; provider: RecordingProvider }> {
  const provider = await startRecordingProvider();
  ends.push(() => provider.close());
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const { token_endpoint: _, ...undiscovered } = providerConfig("") as Record<string, unknown>;
  const file = {
    providers: {
      retail: providerConfig(provider.tokenEndpoint),
      down: providerConfig(`${nobody}/token`),
      undiscovered: { ...undiscovered, issuer: nobody },
    },
    routes: [
      { serverid: "ZG93bg==", provider: "down" },
      { serverid: "bmV2ZXI=", provider: "undiscovered" },
      { provider: "retail" },
    ],
    signing: {
      issuer: "https://tokens.example",
      keys: [{ kid: "2026-11", alg: "ES256", private_key: { env: "KEY" }, created: "2026-11-02" }],
    },
  };
  const { pem } = await makeKey("ES256");
  const host = await startHost(fileConfig("", { file }), { ...SECRETS, KEY: pem }, { runtime: "node" });
  ends.push(() => host.close());
  return { host, adminUrl: host.adminUrl as string, provider };
}

describe("the status page of a proxy", () => {
  it("is sent with its headers, and knows no way to make a call", async () => {
    const { adminUrl } = await startMixed();
    const answer = await fetch(`${adminUrl}/`);
    expect(answer.status).toBe(200);
    const headers = Object.fromEntries(
      Object.keys(STATUS_PAGE_HEADERS).map((name) => [name, answer.headers.get(name)]),
    );
    expect(headers).toEqual(STATUS_PAGE_HEADERS);
    expect(await answer.text()).not.toContain("Try it");
    const tried = await fetch(`${adminUrl}/try-it`, {
      method: "POST",
      headers: { Origin: adminUrl },
      body: new URLSearchParams({ userid: "alice", accountid: "7" }),
    });
    expect(tried.status).toBe(404);
  });

  itInChromium("shows what the calls came to, and nothing of who they were for", async () => {
    const { host, adminUrl, provider } = await startMixed();
    const call = (serverid: string) => callGetToken(host.url, { body: { ...CALL, serverid } });
    provider.answer = token();
    for (let i = 0; i < 6; i++) await call("any");
    provider.answer = json({ error: "access_denied" }, 403);
    for (let i = 0; i < 2; i++) await call("any");
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await call("ZG93bg==");
    const suspended = await call("ZG93bg==");
    expect(suspended.json().error_code).toBe("provider_suspended");
    await callGetToken(host.url, { headers: { "X-apikey": "wrong" } });

    const { page, said, requests } = await open(`${adminUrl}/?paused`);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe("Not ready: 1 of 3 providers");
    // As a screen reader tells it.
    const card = (name: string) => page.getByRole("article", { name, exact: true }).ariaSnapshot();
    expect(await card("retail")).toMatch(/heading "retail" \[level=3\]\s+- text: Ready\s/);
    expect(await card("retail")).toMatch(/Last call\s+- definition:\s+- text: refused\s/);
    expect(await card("down")).toMatch(/heading "down" \[level=3\]\s+- text: (?:Suspended|Trying again)\s/);
    expect(await card("undiscovered")).toMatch(/- text: Not ready\s+- paragraph: .*providers\.undiscovered/);
    expect(await page.getByRole("img", { name: "6 tokens, 2 refused, 0 errors" }).count()).toBe(1);
    const calls = await page.getByRole("table", { name: "The newest first" }).ariaSnapshot();
    const rows = [...calls.matchAll(/ row "\d\d:\d\d:\d\d (.*)":/g)].map(([, row]) => row);
    expect(rows).toHaveLength(6 + 2 + FAILURES_BEFORE_SUSPENSION + 2);
    expect(rows[0]).toMatch(/^\/getToken – – caller_unauthenticated 401 /);
    expect(rows[1]).toMatch(/^\/getToken nextauth-server down provider_suspended 503 /);
    expect(rows[1]).toContain(suspended.headers["x-request-id"]);
    expect(rows.at(-1)).toMatch(/^\/getToken nextauth-server retail token 200 /);
    expect(await page.getByRole("row", { name: "2026-11 ES256 signs" }).count()).toBe(1);

    const all = await page.content();
    for (const hidden of [CALL.userid, NONCE, ...Object.values(SECRETS)]) expect(all).not.toContain(hidden);
    expect(await page.evaluate(NOT_ACCESSIBLE)).toEqual([]);
    expect(await page.evaluate(OVERFLOWING)).toEqual([]);
    expect([said, requests]).toEqual([[], [`${adminUrl}/?paused`]]);
    await picture(page, "served-light-1280");
  });
});

describe("Try it, in dev mode", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "token-proxy-dev-"));
    return () => rm(folder, { recursive: true, force: true });
  });

  async function startDev(): Promise<string> {
    const run: Run = runCli(["start"], { cwd: folder });
    ends.push(async () => {
      run.process.kill("SIGKILL");
      await run.exit();
    });
    const [, adminUrl] = await run.said(/status page +(http:\/\/\S+?)\/?\n/);
    await run.said(/Ctrl-C/);
    return adminUrl as string;
  }

  itInChromium("gets a token for whoever is entered, from the page alone", async () => {
    const { page, said } = await open(`${await startDev()}/`);
    await page.getByRole("link", { name: "Open the form" }).click();
    await page.getByLabel("userid").fill("Zoë");
    await page.getByLabel("accountid").fill("12");
    await page.getByRole("button", { name: "Call getToken" }).click();
    await page.getByText("Status 200").waitFor();
    const claims = JSON.parse((await page.getByRole("region", { name: "access_token, decoded" }).textContent()) ?? "");
    expect(claims).toMatchObject({ sub: "Zoë", accountid: "12" });
    const result = (await page.getByRole("region", { name: "TokenResult" }).textContent()) ?? "";
    expect(result).toMatch(/^\{ "token_type": "Bearer", {2}"expires_in": 300, "access_token": ".+" \}\n$/);
    expect(await page.getByText(`${Buffer.byteLength(result)} bytes of application/json`).count()).toBe(1);
    await picture(page, "dev-light-1280");
    expect(said).toEqual([]);
  });

  it("is refused to other pages", async () => {
    const adminUrl = await startDev();
    const body = new URLSearchParams({ userid: "alice", accountid: "7" });
    const send = (headers: Record<string, string>) => fetch(`${adminUrl}/try-it`, { method: "POST", headers, body });
    expect((await send({ Origin: adminUrl })).status).toBe(200);
    expect((await send({ Origin: "http://127.0.0.1:1" })).status).toBe(403);
    expect((await send({})).status).toBe(403);
  });
});
