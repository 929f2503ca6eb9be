// The real process of the proxy, configured for the peers of the soak.

import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { APIKEY } from "../support/call.ts";
import { collect, waitForLine } from "../support/child.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import type { Peers } from "./peers.ts";

export const SERVERIDS = ["multiplexed", "fresh"] as const;
const LAUNCH = new URL("../../src/launch.js", import.meta.url).pathname;

function configure({ http2Provider, provider, http2NextAuth, nextauth, shifts }: Peers): object {
  const tls = { ca: { env: "CA" } };
  const reuse_connections = shifts;
  const apikey = { env: "NEXTAUTH_APIKEY" };
  const rate = { limit: 1_000_000, window: "1m" };
  const common = { params: { userid: "{{userid}}", nonce: "{{nonce}}" }, timeout: "2s" };
  return fileConfig("", {
    file: {
      get_token: { session: "verify" },
      nextauth: [
        { url: `https://127.0.0.1:${http2NextAuth.port}`, serverids: ["multiplexed"], apikey, tls },
        {
          url: `http://127.0.0.1:${nextauth.port}`,
          serverids: ["fresh"],
          apikey,
          reuse_connections: false,
          session_cache: "100ms",
        },
      ],
      webnonce_exchange: {
        serverid: "multiplexed",
        provider: "fresh",
        rate_limit: { per_address: rate, per_webnonce: rate },
      },
      providers: {
        multiplexed: providerConfig(`https://127.0.0.1:${http2Provider.port}/token`, { ...common, tls }),
        fresh: providerConfig(`http://127.0.0.1:${provider.port}/token`, { ...common, reuse_connections }),
      },
      routes: SERVERIDS.map((serverid) => ({ serverid, provider: serverid })),
      log: { level: "warn" },
    },
  });
}

export async function startProxy(folder: string, peers: Peers) {
  const path = join(folder, "token-proxy.yaml");
  // The log must say where it listens, so it starts with its usual level, and reloads with the
  // quiet one.
  const quiet = configure(peers);
  await writeFile(path, JSON.stringify({ ...quiet, log: { level: "info" } }));
  const env = { PATH: process.env.PATH, ...SECRETS, APIKEY, NEXTAUTH_APIKEY: "key of the soak", CA: peers.ca };
  const child = spawn(process.execPath, [LAUNCH, "start", "--config", path], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const { listen, admin } = await waitForLine(child, child.stdout as Readable, output, (line) => {
    const parsed = line.startsWith("{") ? JSON.parse(line) : {};
    return parsed.event === "started" ? (parsed as { listen: string; admin: string }) : undefined;
  });
  await writeFile(path, JSON.stringify(quiet));
  child.kill("SIGHUP");
  let reloads = 1;
  return {
    url: listen,
    reloads: () => reloads,
    reload: () => {
      reloads += 1;
      child.kill("SIGHUP");
    },
    /** MiB in memory. */
    async memory(): Promise<number> {
      const metrics = await (await fetch(`${admin}/metrics`)).text();
      return Math.round(Number(/^process_resident_memory_bytes (\S+)/m.exec(metrics)?.[1]) / 1_048_576);
    },
    async close(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    },
  };
}
