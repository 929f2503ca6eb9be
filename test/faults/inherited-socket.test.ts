// A socket that is passed to the process and cannot be served stops the start, in words.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { runCli } from "../support/process.ts";

it("a Unix socket that was passed ends the start with 1, and the message says what to do", async () => {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  const server = createServer().listen(join(folder, "passed.sock"));
  await once(server, "listening");
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(fileConfig("https://idp.example/token")));
  const run = runCli([], { cwd: folder, env: SECRETS, socket: fd });
  try {
    expect(await run.exit()).toBe(1);
    expect(run.stderr()).toContain(
      "it is not a TCP socket. Set ListenStream= of the socket unit to an address and a port.",
    );
    expect(run.stdout()).not.toContain("started");
  } finally {
    run.process.kill("SIGKILL");
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
});
