// The middlewares of the package in a Worker: bundled as its deployment would, in a real workerd, asked by many at once.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InstalledPackage, installPackage } from "./installed-package.ts";

const COMPATIBILITY_DATE = "2026-11-01";

const { publicKey, privateKey } = await generateKeyPair("ES256");
let installed: InstalledPackage;
let server: Server;
let workerd: ChildProcess;
let base: string;
let url: string;

beforeAll(async () => {
  installed = await installPackage();
  base = await startServer();
  await build();
  url = await startWorkerd();
});
afterAll(async () => {
  workerd?.kill("SIGKILL");
  server?.close();
  await installed?.remove();
});

/** The issuer and the nextAuth Server in one. Slow enough for requests to overlap. */
async function startServer(): Promise<string> {
  const keys = [{ ...(await exportJWK(publicKey)), alg: "ES256" }];
  server = createServer((request, response) => {
    const loggedin = request.headers["x-nonce"] === "good";
    const answer = { keys, active: true, loggedin, userid: "alice" };
    setTimeout(() => response.end(JSON.stringify(answer)), 50);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function build(): Promise<void> {
  const source = `
import { Hono } from "hono";
import { accessToken, webNonceSession } from "nextauth-token-proxy/resource-server";
const base = ${JSON.stringify(base)};
const introspection = { endpoint: base + "/introspect", client_id: "api", client_secret: "secret", cacheFor: 60_000 };
export default new Hono()
  .get("/session", webNonceSession({ url: base, apikey: "apikey", serverid: "s" }), (c) => c.text(c.var.userid))
  .get(
    "/token",
    accessToken({ issuer: base, audience: "api", algorithms: ["ES256"], jwks_uri: base + "/jwks", introspection }),
    (c) => c.text(c.var.claims.sub),
  );
`;
  const settings = { name: "resource-server", main: "worker.js", compatibility_date: COMPATIBILITY_DATE };
  await writeFile(join(installed.project, "worker.js"), source);
  await writeFile(join(installed.project, "wrangler.json"), JSON.stringify(settings));
  const wrangler = [resolve("node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", "built"];
  await promisify(execFile)(process.execPath, wrangler, {
    cwd: installed.project,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}

async function startWorkerd(): Promise<string> {
  const config = join(installed.project, "built/config.capnp");
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "internet", network = (allow = ["public", "private", "local"]))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
);
`,
  );
  const arguments_ = ["serve", config, "--control-fd=3"];
  workerd = spawn(resolve("node_modules/workerd/bin/workerd"), arguments_, {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  const [line] = (await once(workerd.stdio[3] as NodeJS.ReadableStream, "data")) as [Buffer];
  return `http://127.0.0.1:${JSON.parse(line.toString()).port}`;
}

/** @returns the distinct answers to twenty requests that are sent at once */
async function askTwenty(path: string, headers: Record<string, string>): Promise<string[]> {
  const answers = Array.from({ length: 20 }, async () => {
    const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(5_000) });
    return `${response.status} ${await response.text()}`;
  });
  return [...new Set(await Promise.all(answers))];
}

describe("in a Worker", () => {
  it("webNonceSession lets the sessions pass that are logged in, and no other", async () => {
    expect(await askTwenty("/session", { "x-nonce": "good" })).toEqual(["200 alice"]);
    expect(await askTwenty("/session", { "x-nonce": "bad" })).toEqual([expect.stringMatching(/^401 .*invalid_token/)]);
  });

  it("accessToken verifies and introspects for many at once, with nothing remembered and with everything", async () => {
    const token = await new SignJWT({ sub: "alice", iss: base, aud: "api" })
      .setProtectedHeader({ alg: "ES256" })
      .setExpirationTime("5m")
      .sign(privateKey);
    const authorization = `Bearer ${token}`;
    expect(await askTwenty("/token", { authorization })).toEqual(["200 alice"]);
    expect(await askTwenty("/token", { authorization })).toEqual(["200 alice"]);
    const wrong = `${authorization.slice(0, -8)}AAAAAAAA`;
    expect(await askTwenty("/token", { authorization: wrong })).toEqual([expect.stringMatching(/^401 .*signature/)]);
  });
});
