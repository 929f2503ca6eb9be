// Reloads leave nothing behind: the old connections and memory go once the last call of the old
// configuration has ended.

import { existsSync, readdirSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { type Answer, json } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const RELOADS = 100;
/** An old configuration with open connections takes 150 kB, measured; compiled code grows too. */
const MAX_GROWTH_BYTES = 1_500_000 + RELOADS * 60_000;
const CLIENTS = 8;

/** Reports what is in memory after a collection. */
const HEAP = `
  import { setFlagsFromString } from "node:v8";
  import { runInNewContext } from "node:vm";
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  process.on("SIGUSR2", () => {
    gc();
    setTimeout(() => {
      gc();
      const { heapUsed, external } = process.memoryUsage();
      process.stdout.write(JSON.stringify({ event: "heap", bytes: heapUsed + external }) + "\\n");
    }, 500);
  });`;

const service = useService();
let run: Running;
let reloads = 0;

/** Keeps its connections for as long as undici lets it. */
const lasting = (body: object) => json(body, 200, { "Keep-Alive": "timeout=600" });
/** As a provider, and as a nextAuth Server. */
const answer: Answer = (socket, request) => {
  if (request.method === "POST") return lasting({ access_token: "the-token", token_type: "Bearer" })(socket, request);
  const metadata = { issuer: service.provider.url, token_endpoint: service.provider.tokenEndpoint };
  const session = { loggedin: true, ...CALL };
  return lasting(request.url.startsWith("/servers/") ? session : metadata)(socket, request);
};

beforeEach(async () => {
  service.provider.answer = (...asked) => void setTimeout(answer, 10, ...asked);
  reloads = 0;
  await write();
  run = await service.start({ env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HEAP)}` } });
});

const write = () => {
  const { url } = service.provider;
  const main = { issuer: url, token_endpoint: undefined, params: { v: String(reloads) } };
  return service.configure({ main, nextauth: { url, apikey: { env: "APIKEY" } } });
};

async function reload(): Promise<void> {
  reloads += 1;
  await write();
  await run.reload();
}

/** Reloads again and again while clients call. @returns the statuses of the calls */
async function reloadUnderLoad(times: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  let isStopped = false;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isStopped) {
      const called = callGetToken(run.listen, { headers: { Connection: "close" } });
      statuses.add(await called.then(({ status }) => status).catch(() => 0));
    }
  });
  for (let i = 0; i < times; i++) {
    const asked = service.provider.requests.length;
    await reload();
    await expect.poll(() => service.provider.requests.length, { interval: 1 }).toBeGreaterThan(asked + 4 * CLIENTS);
  }
  isStopped = true;
  await Promise.all(clients);
  service.provider.requests.length = 0;
  return statuses;
}

const descriptors = () => readdirSync(`/proc/${run.process.pid}/fd`).length;

async function heap(): Promise<number> {
  const before = run.lines("heap").length;
  run.process.kill("SIGUSR2");
  await expect.poll(() => run.lines("heap")).toHaveLength(before + 1);
  return run.lines("heap").at(-1)?.bytes as number;
}

describe(`${RELOADS} reloads under load`, () => {
  it.runIf(existsSync("/proc/self/fd"))(
    "fail no call, and leave no descriptor and no memory",
    async () => {
      expect(await reloadUnderLoad(10)).toEqual(new Set([200]));
      const [atFirst, heapAtFirst] = [descriptors(), await heap()];
      expect(await reloadUnderLoad(RELOADS)).toEqual(new Set([200]));
      await expect.poll(descriptors).toBeLessThanOrEqual(atFirst + 3 * CLIENTS);
      expect((await heap()) - heapAtFirst).toBeLessThan(MAX_GROWTH_BYTES);
    },
    300_000,
  );
});

describe("a call that began before a reload", () => {
  it("still gets its connections after it", async () => {
    let release = () => {};
    service.provider.answer = (...asked) => {
      if (asked[1].url.startsWith("/servers/")) release = () => answer(...asked);
      else answer(...asked);
    };
    const called = callGetToken(run.listen);
    await expect.poll(() => service.provider.requests.filter(({ url }) => url.startsWith("/servers/")).length).toBe(1);
    await reload();
    release();
    expect((await called).status).toBe(200);
    const [tokenRequest] = service.provider.requests.filter(({ method }) => method === "POST");
    expect(new URLSearchParams(tokenRequest?.body).get("v")).toBe("0");
  });
});
