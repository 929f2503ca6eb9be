// A reload keeps suspensions, remembered sessions and rate limits whose settings are the same.

import { beforeEach, expect, it } from "vitest";
import { FAILURES_BEFORE_SUSPENSION } from "../../src/oauth/breaker.ts";
import { CALL, callGetToken, NONCE } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { json, token } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const service = useService();
beforeEach(() => {
  service.provider.answer = (socket, request) =>
    (isSession(request) ? json({ loggedin: true, ...CALL }) : token())(socket, request);
});

/** The recording provider is the nextAuth Server as well. */
const isSession = ({ url }: { url: string }) => url.startsWith("/servers/");

interface Settings {
  v: string;
  timeout?: string;
  session_cache?: string;
  limit?: number;
}

async function configure({ v, timeout = "5s", session_cache = "1m", limit = 1 }: Settings): Promise<void> {
  const down = `http://127.0.0.1:${port}/token`;
  await service.configure({
    nextauth: { url: service.provider.url, apikey: { env: "APIKEY" }, session_cache },
    get_token: { session: "verify" },
    webnonce_exchange: { provider: "main", serverid: CALL.serverid, rate_limit: { per_webnonce: { limit } } },
    providers: {
      main: providerConfig(service.provider.tokenEndpoint, { params: { v } }),
      down: providerConfig(down, { timeout }),
    },
    routes: [{ serverid: "down", provider: "down" }, { provider: "main" }],
  });
}
const port = await freePort();

/** Suspensions so far, requests for the session of a call, and an exchange's status. */
async function memoryOf({ listen, admin }: Running) {
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  const asked = service.provider.requests.filter(isSession).length;
  expect((await callGetToken(listen)).status).toBe(200);
  const sessions = service.provider.requests.filter(isSession).length - asked;
  const body = new URLSearchParams({ grant_type: "authorization_code", code: NONCE });
  const exchanged = await fetch(`${listen}/token`, { method: "POST", body });
  const suspensions = /provider_suspensions_total{provider="down"} (\d)/.exec(metrics)?.[1];
  return { suspensions, sessions, exchange: exchanged.status };
}

it("a reload keeps each of them, and starts it anew if its settings change", async () => {
  await configure({ v: "1" });
  const run = await service.start();
  const down = { body: { ...CALL, serverid: "down" } };
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect((await callGetToken(run.listen, down)).status).toBe(502);
  expect(await memoryOf(run)).toEqual({ suspensions: "1", sessions: 1, exchange: 200 });
  for (const v of ["2", "3"]) {
    await configure({ v });
    await run.reload();
    expect(await memoryOf(run), v).toEqual({ suspensions: "1", sessions: 0, exchange: 429 });
  }
  await configure({ v: "3", timeout: "4s" });
  await run.reload();
  expect(await memoryOf(run)).toEqual({ suspensions: "0", sessions: 0, exchange: 429 });
  await configure({ v: "3", session_cache: "50s" });
  await run.reload();
  expect(await memoryOf(run)).toEqual({ suspensions: "0", sessions: 1, exchange: 429 });
  await configure({ v: "3", session_cache: "50s", limit: 2 });
  await run.reload();
  expect(await memoryOf(run)).toMatchObject({ sessions: 0, exchange: 200 });
});
