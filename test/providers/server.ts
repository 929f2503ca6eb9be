// What a real server is, and how the specs of this folder start and stop one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { freePort } from "../support/port.ts";
import { progress } from "./install.ts";
import { type Program, startProgram } from "./program.ts";
import { startTee, type Tee } from "./tee.ts";

/** What differs between products. Each has a folder, with one of these in it. */
export interface Product {
  name: string;
  version: string;
  /** Fetches it with its package manager. The folder is empty, and kept for later runs. */
  install(folder: string): Promise<void>;
  /** Writes its configuration, and says how it is started. */
  launch(place: Place): Launch | Promise<Launch>;
}

export interface Place {
  /** Where it was installed. Nothing in it may change. */
  installed: string;
  /** Of this run; it is kept when the server stops and starts again. */
  data: string;
  /** Where it listens, on 127.0.0.1. */
  port: number;
  /** Where clients reach it: through the tee. */
  url: string;
  /** The proxy's, whose keys it fetches. */
  issuer: string;
  /** A free port of its own, the same one for the same name. */
  otherPort(name: string): Promise<number>;
}

export interface Launch {
  command: readonly [string, ...string[]];
  env?: Record<string, string>;
  cwd?: string;
  /** Answers with a status below 400 once it is ready. */
  ready: string;
}

export interface Server extends Place {
  /** Where it listens, without the tee: for administration. */
  direct: string;
  tee: Tee;
  output(): string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The first start of Keycloak takes a minute of CPU. */
const START_TIMEOUT_MS = 900_000;

/** @returns a server that is not started yet */
async function createServer(
  product: Product,
  installed: string,
  issuer: string,
): Promise<Server & { remove(): Promise<void> }> {
  const data = await mkdtemp(join(tmpdir(), `token-proxy-${product.name.replaceAll(" ", "-").toLowerCase()}-`));
  const [port, teePort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${teePort}`;
  const ports = new Map<string, number>();
  const tee = startTee(teePort, port);
  let program: Program | undefined;

  const place: Place = {
    installed,
    data,
    port,
    url,
    issuer,
    async otherPort(name) {
      const other = ports.get(name) ?? (await freePort());
      ports.set(name, other);
      return other;
    },
  };
  const server = {
    ...place,
    direct: `http://127.0.0.1:${port}`,
    tee,
    output: () => program?.output() ?? "",
    async start() {
      const { ready, ...launch } = await product.launch(place);
      const began = Date.now();
      program = startProgram(launch);
      await program.ready(ready, START_TIMEOUT_MS);
      await tee.open();
      progress(product.name, `ready after ${Math.round((Date.now() - began) / 1000)} s`);
    },
    async stop() {
      await tee.close();
      await program?.stop();
    },
    async remove() {
      await server.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
  return server;
}

/** Starts the server before the first test, and removes it after the last one. */
export function useServer(product: Product, installed: string | undefined, proxy: () => { issuer: string }) {
  let server: Awaited<ReturnType<typeof createServer>>;
  beforeAll(async () => {
    server = await createServer(product, installed as string, proxy().issuer);
    await server.start();
  });
  afterAll(() => server?.remove());
  return (): Server => server;
}
