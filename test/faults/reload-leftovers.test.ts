// Reloads leave nothing behind: the old connections and memory go once the last call of the old
// configuration has ended.

import { existsSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Run, runCli } from "../support/process.ts";
import { type Answer, json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

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

let provider: RecordingProvider;
let folder: string;
let run: Run;
let listen: string;
let reloads = 0;

/** Keeps its connections for as long as undici lets it. */
const lasting = (body: object) => json(body, 200, { "Keep-Alive": "timeout=600" });
/** As a provider, and as a nextAuth Server. */
const answer: Answer = (socket, request) => {
  if (request.method === "POST") return lasting({ access_token: "the-token", token_type: "Bearer" })(socket, request);
  const metadata = { issuer: provider.url, token_endpoint: provider.tokenEndpoint };
  const session = { loggedin: true, ...CALL };
  return lasting(request.url.startsWith("/servers/") ? session : metadata)(socket, request);
};

beforeEach(async () => {
  provider = await startRecordingProvider();
  provider.answer = (...asked) => void setTimeout(answer, 10, ...asked);
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  reloads = 0;
  await write();
  const env = { ...SECRETS, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(HEAP)}` };
  run = runCli([], { cwd: folder, env });
  listen = (await run.said(/"listen":"([^"]+)"/))[1] as string;
});
afterEach(async () => {
  run?.process.kill("SIGKILL");
  await provider?.close();
  await rm(folder, { recursive: true, force: true });
});

const write = () => {
  const nextauth = { url: provider.url, apikey: { env: "APIKEY" } };
  const settings = { issuer: provider.url, token_endpoint: undefined, params: { v: String(reloads) } };
  const file = fileConfig("", { provider: settings, file: { nextauth } });
  return writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));
};

async function reload(): Promise<void> {
  reloads += 1;
  await write();
  run.process.kill("SIGHUP");
  await expect.poll(() => run.stdout().split('"event":"reloaded"').length - 1).toBe(reloads);
}

/** Reloads again and again while clients call. @returns the statuses of the calls */
async function reloadUnderLoad(times: number): Promise<Set<number>> {
  const statuses = new Set<number>();
  let isStopped = false;
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isStopped) {
      const called = callGetToken(listen, { headers: { Connection: "close" } });
      statuses.add(await called.then(({ status }) => status).catch(() => 0));
    }
  });
  for (let i = 0; i < times; i++) {
    const asked = provider.requests.length;
    await reload();
    await expect.poll(() => provider.requests.length, { interval: 1 }).toBeGreaterThan(asked + 4 * CLIENTS);
  }
  isStopped = true;
  await Promise.all(clients);
  provider.requests.length = 0;
  return statuses;
}

const descriptors = () => readdirSync(`/proc/${run.process.pid}/fd`).length;
const heaps = () => [...run.stdout().matchAll(/"event":"heap","bytes":(\d+)/g)].map(([, bytes]) => Number(bytes));

async function heap(): Promise<number> {
  const before = heaps().length;
  run.process.kill("SIGUSR2");
  await expect.poll(() => heaps().length).toBe(before + 1);
  return heaps().at(-1) as number;
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
    provider.answer = (...asked) => {
      if (asked[1].url.startsWith("/servers/")) release = () => answer(...asked);
      else answer(...asked);
    };
    const called = callGetToken(listen);
    await expect.poll(() => provider.requests.filter(({ url }) => url.startsWith("/servers/")).length).toBe(1);
    await reload();
    release();
    expect((await called).status).toBe(200);
    const [tokenRequest] = provider.requests.filter(({ method }) => method === "POST");
    expect(new URLSearchParams(tokenRequest?.body).get("v")).toBe("0");
  });
});
