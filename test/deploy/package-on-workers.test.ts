// The middlewares of the package in a Worker: bundled as its deployment would, in a real workerd, asked by many at once.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ServedWorker, serveWorkerd } from "../support/workerd.ts";
import { type InstalledPackage, installPackage } from "./installed-package.ts";

const COMPATIBILITY_DATE = "2026-11-01";

const { publicKey, privateKey } = await generateKeyPair("ES256");
let installed: InstalledPackage;
let server: Server;
let worker: ServedWorker;
let base: string;

beforeAll(async () => {
  installed = await installPackage();
  base = await startServer();
  await build();
  const text = await readFile(join(installed.project, "built/worker.js"), "utf8");
  worker = await serveWorkerd({ modules: [{ name: "worker.js", kind: "esModule", text }], bindings: {} });
});
afterAll(async () => {
  await worker?.close();
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

/** @returns the distinct answers to twenty requests that are sent at once */
async function askTwenty(path: string, headers: Record<string, string>): Promise<string[]> {
  const answers = Array.from({ length: 20 }, async () => {
    const response = await fetch(worker.url + path, { headers, signal: AbortSignal.timeout(5_000) });
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
