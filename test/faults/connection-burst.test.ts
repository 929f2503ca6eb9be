// Many clients that connect while the process is busy: the kernel keeps them, so that none has to ask again after a second.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { request } from "../support/raw-call.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

/** Less than the second after which TCP asks again (RFC 6298 §2.1). */
const BOUND_MS = 900;
const SOMAXCONN = "/proc/sys/net/core/somaxconn";
const clients = Math.min(2_000, existsSync(SOMAXCONN) ? Number(readFileSync(SOMAXCONN, "utf8")) : 128);

let provider: RecordingProvider;
let host: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  host = await startHost(fileConfig(provider.tokenEndpoint), SECRETS, { runtime: "node" });
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

it("has room for a burst of connections while the process does not come to accept them", async () => {
  const { hostname, port } = new URL(host.url);
  const { pid } = host.process;
  process.kill(pid as number, "SIGSTOP"); // as a long turn of its event loop would, and longer
  const sockets = Array.from({ length: clients }, () => connect(Number(port), hostname).on("error", () => {}));
  try {
    await new Promise((resolve) => setTimeout(resolve, BOUND_MS));
    expect(sockets.filter(({ connecting }) => connecting).length).toBe(0);
    process.kill(pid as number, "SIGCONT");
    const last = sockets.at(-1) as Socket;
    last.write(request("POST", "/getToken"));
    expect(String((await once(last, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  } finally {
    process.kill(pid as number, "SIGCONT");
    for (const socket of sockets) socket.destroy();
  }
});
