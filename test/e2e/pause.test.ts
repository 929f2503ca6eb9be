// A process that was stopped for seconds reads what has arrived before its deadlines count, and
// does not blame the provider.

import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { FAILURES_BEFORE_SUSPENSION } from "../../src/oauth/breaker.ts";
import { type Answered, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { listenLocally } from "../support/port.ts";
import { hold, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

/** Enough failures to suspend a provider. */
const CALLS = FAILURES_BEFORE_SUSPENSION + 2;
/** Time for all requests to be sent, also on a busy machine. */
const TIMEOUT_MS = 5_000;
/** undici ignores pauses in longer connect timeouts, because it counts its own ticks. */
const CONNECT_TIMEOUT_MS = 1_000;
/** All deadlines pass during it, by more than a busy event loop is late. */
const PAUSE_MS = TIMEOUT_MS + 1_500;

const NAMES = ["prompt", "slow", "connecting"] as const;
/** Workers have no timeout for connections. */
const CONNECTS = RUNTIME === "node" ? CALLS : 0;

let prompt: RecordingProvider;
let slow: RecordingProvider;
let host: Host;
/** Accepts connections, and begins no TLS. */
const silent = createServer((socket) => void sockets.push(socket.on("error", () => {})));
const sockets: Socket[] = [];
let answers: Record<(typeof NAMES)[number], Answered[]>;
let releaseSlow: () => void;

const callProvider = (serverid: (typeof NAMES)[number]) => callGetToken(host.url, { body: { ...CALL, serverid } });
const codes = (answered: Answered[]) => [...new Set(answered.map(({ json, status }) => json().error_code ?? status))];

beforeAll(async () => {
  [prompt, slow] = [await startRecordingProvider(), await startRecordingProvider()];
  const timeout = `${TIMEOUT_MS}ms`;
  // Without HTTP/2, each call opens a connection; the key is only for Node.
  const http2 = RUNTIME === "node" ? { http2: "never" } : {};
  const connect = { ...http2, timeout: "1m", connect_timeout: `${CONNECT_TIMEOUT_MS}ms` };
  const providers = {
    prompt: providerConfig(prompt.tokenEndpoint, { timeout }),
    slow: providerConfig(slow.tokenEndpoint, { timeout }),
    connecting: providerConfig(`https://127.0.0.1:${await listenLocally(silent)}/token`, connect),
  };
  const routes = NAMES.map((name) => ({ serverid: name, provider: name }));
  host = await startHost(fileConfig("", { file: { providers, routes } }), SECRETS);

  const releasePrompt = hold(prompt);
  releaseSlow = hold(slow);
  const callMany = (count: number, name: (typeof NAMES)[number]) =>
    Promise.all(Array.from({ length: count }, () => callProvider(name)));
  const arrived = (count: () => number, wanted: number) =>
    vi.waitFor(() => expect(count()).toBe(wanted), { interval: 1, timeout: 15_000 });
  const [ofPrompt, ofSlow] = [callMany(CALLS, "prompt"), callMany(CALLS, "slow")];
  await arrived(() => prompt.requests.length + slow.requests.length, 2 * CALLS);
  const ofConnecting = callMany(CONNECTS, "connecting");
  await arrived(() => sockets.length, CONNECTS);
  host.process.kill("SIGSTOP"); // as a frozen container does, and a very long garbage collection
  releasePrompt();
  await new Promise((done) => setTimeout(done, PAUSE_MS));
  host.process.kill("SIGCONT");
  answers = { prompt: await ofPrompt, slow: await ofSlow, connecting: await ofConnecting };
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  silent.close();
  await host?.close();
  await prompt?.close();
  await slow?.close();
});

describe(`after a pause on ${RUNTIME} that is longer than all deadlines, a provider`, () => {
  it("whose answers arrived meanwhile has them relayed", () => {
    expect(codes(answers.prompt)).toEqual([200]);
  });

  it("whose answers come later is not suspended, and the log says why", async () => {
    expect(codes(answers.slow)).toEqual(["provider_timeout"]);
    expect(host.output()).toMatch(/"error_code":"provider_timeout".*"late":"process paused"/);
    releaseSlow();
    expect(codes([await callProvider("slow")])).toEqual([200]);
  });

  it.runIf(RUNTIME === "node")("to which connections were being opened is not suspended", async () => {
    expect(codes(answers.connecting)).toContain("provider_timeout");
    expect(codes([await callProvider("connecting")])).toEqual(["provider_unreachable"]);
  });
});
