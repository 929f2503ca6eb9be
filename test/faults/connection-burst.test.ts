// Many clients that connect while the process is busy: the kernel keeps all of them.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { holdSocket } from "../support/port.ts";
import { runCli } from "../support/process.ts";
import { request } from "../support/raw-call.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const CLIENTS = 2_000;
const SOMAXCONN = "/proc/sys/net/core/somaxconn";
const kernelAllows = existsSync(SOMAXCONN) ? Number(readFileSync(SOMAXCONN, "utf8")) : 0;

let provider: RecordingProvider;
let folder: string;

beforeAll(async () => {
  provider = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-burst-"));
  const config = { ...fileConfig(provider.tokenEndpoint), server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0" } };
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(config));
});
afterAll(async () => {
  await provider?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

describe.skipIf(kernelAllows < CLIENTS)(`room for ${CLIENTS} connections that come while none is accepted`, () => {
  it.each(["opened", "was passed"])("has the socket that it %s", async (origin) => {
    const held = origin === "was passed" ? await holdSocket() : undefined;
    const run = runCli([], { cwd: folder, env: SECRETS, ...(held === undefined ? {} : { socket: held.fd }) });
    let sockets: Socket[] = [];
    try {
      const port = Number((await run.said(/"listen":"http:\/\/127\.0\.0\.1:(\d+)"/))[1]);
      run.process.kill("SIGSTOP"); // as a long turn of its event loop would, and longer
      const errors: string[] = [];
      sockets = Array.from({ length: CLIENTS }, () =>
        connect(port, "127.0.0.1").on("error", ({ message }) => errors.push(message)),
      );
      // One for which there is no room stays unconnected, however often TCP asks again.
      await expect.poll(() => sockets.filter(({ readyState }) => readyState !== "open").length).toBe(0);
      expect(errors).toEqual([]);
      run.process.kill("SIGCONT");
      const last = sockets.at(-1) as Socket;
      last.write(request("POST", "/getToken"));
      expect(String((await once(last, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
    } finally {
      run.process.kill("SIGKILL");
      for (const socket of sockets) socket.destroy();
      held?.close();
    }
  });
});
