// The package as it would be published, and what a project gets that uses it.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenLocally } from "../support/port.ts";
import { type ServedWorker, serveWorkerd } from "../support/workerd.ts";
import { type InstalledPackage, installPackage } from "./installed-package.ts";

const run = promisify(execFile);
const TSC = resolve("node_modules/typescript/bin/tsc");

let installed: InstalledPackage;

beforeAll(async () => {
  installed = await installPackage();
});
afterAll(async () => {
  await installed?.remove();
});

const OPTIONS = `
const session = webNonceSession({ url: "https://ns-api.bank.example", apikey: "apikey", serverid: "c2VydmVyLTE=" });
const token = accessToken({
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
});`;

/** The files, not the folders, that a page at the root links to. */
const linkedFrom = (page: string) => [...page.matchAll(/\]\(([\w./-]+\.\w+)\)/g)].map(([, path]) => path as string);

describe("the package", () => {
  it("contains what is used and what the README links to, and nothing else", async () => {
    const files = [
      ...["CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "dist/THIRD-PARTY-LICENSES.txt"],
      ...["package.json", "token-proxy.schema.json", "dist/cli.js", "examples/auth0.yaml", "docs/openapi.yaml"],
      ...["bench/README.md", "bench/results.json"],
    ];
    expect(installed.contents).toEqual(expect.arrayContaining(files));
    const others = installed.contents.filter(
      (name) =>
        !/^dist\/.+\.(?:js|d\.ts)$|^examples\/(?:[\w-]+\.yaml|hsm\/[\w-]+\.\w+)$|^docs\/[\w-]+\.(?:md|svg|yaml)$|^deploy\//.test(
          name,
        ),
    );
    expect(others.filter((name) => !files.includes(name))).toEqual([]);
    expect(installed.contents).toEqual(expect.arrayContaining(linkedFrom(await readFile("README.md", "utf8"))));
    // Every module but the command line has types.
    const modules = installed.contents.filter((name) => /^dist\/(?!cli[./]).+\.js$/.test(name));
    expect(modules.length).toBeGreaterThan(50);
    expect(installed.contents).toEqual(expect.arrayContaining(modules.map((name) => name.replace(/js$/, "d.ts"))));
  });

  it("contains the licences of everything that is bundled into its command line", async () => {
    const read = (name: string) => readFile(join(installed.package, name), "utf8");
    const scripts = installed.contents.filter((name) => /^dist\/cli[./].*js$/.test(name));
    const code = (await Promise.all(scripts.map(read))).join("\n");
    // esbuild says in a comment where each piece is from.
    const bundled = [...code.matchAll(/^ *\/\/ .*?node_modules\/((?:@[\w.-]+\/)?[\w.-]+)\//gm)].map(([, name]) => name);
    expect(new Set(bundled).size).toBeGreaterThan(10);
    const licences = await read("dist/THIRD-PARTY-LICENSES.txt");
    for (const name of new Set(bundled)) {
      const part = new RegExp(`^${name} [\\d.]+ \\((?:MIT|ISC|Apache-2.0|BSD-3-Clause)\\)\\n\\n[^-]`, "m");
      expect(licences, name).toMatch(part);
    }
  });

  it("loads for each command only what it needs", async () => {
    const own = async (file: string, seen = new Set<string>()): Promise<string> => {
      if (seen.has(file)) return "";
      seen.add(file);
      const code = await readFile(file, "utf8");
      const imports = [...code.matchAll(/^(?:import|\} from)\b[^;]*?"(\.[^"]+)";$/gm)].map(([, path = ""]) => path);
      const texts = await Promise.all(imports.map((path) => own(join(dirname(file), path), seen)));
      return [code, ...texts].join("\n");
    };
    const dist = join(installed.package, "dist");
    const chunk = (name: string) =>
      installed.contents.find((file) => file.startsWith(`dist/cli/chunks/${name}-`)) as string;
    const first = (await own(join(dist, "cli.js"))) + (await own(join(installed.package, chunk("command-line"))));
    const start = await own(join(installed.package, chunk("service")));
    expect(first).not.toMatch(
      /\/\/ (?:src\/(?:cli\/(?:check|keygen|get-token|init)|app)\.ts|.*node_modules\/(?:undici|@clack)\/)/,
    );
    expect(start).toMatch(/\/\/ .*node_modules\/undici\//);
    expect(start).not.toMatch(/\/\/ src\/cli\/(?:dev|(?:check|get-token|keygen)\.ts)/);
  });

  it("has the examples that init starts from", async () => {
    const issuers = ["--issuer", "https://sso.acme.test/realms/a", "--signing-issuer", "https://tokens.acme.test"];
    const args = ["init", "--provider", "keycloak", "--no-discovery", ...issuers, "--json"];
    await run(process.execPath, [join(installed.package, "dist/cli.js"), ...args], { cwd: installed.project });
    const file = await readFile(join(installed.project, "token-proxy.yaml"), "utf8");
    expect(file).toContain("issuer: https://sso.acme.test/realms/a\n");
  });

  it("names the version of Node that it needs to an older one", async () => {
    const old = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })';
    const args = ["--import", `data:text/javascript,${old}`, join(installed.package, "dist/cli.js"), "--version"];
    const error = await run(process.execPath, args).catch((refused) => refused);
    expect([error.code, error.stdout]).toEqual([2, ""]);
    expect(error.stderr).toMatch(/^nextauth-token-proxy needs Node 22\.19 or later, but this is Node 20\.1\.0: .+\n$/);
  });

  it("has types that TypeScript finds by every kind of resolution for ESM", async () => {
    const attw = fileURLToPath(
      import.meta.resolve("@arethetypeswrong/cli/package.json").replace(/[^/]*$/, "dist/index.js"),
    );
    // The profile leaves out Node 10 and CommonJS, which an ESM-only package cannot support.
    const { stdout } = await run(process.execPath, [attw, installed.tarball, "--profile=esm-only", "--format=json"]);
    const { analysis, problems } = JSON.parse(stdout);
    expect(Object.keys(analysis.entrypoints)).toEqual(expect.arrayContaining([".", "./worker", "./resource-server"]));
    const found = Object.values<{ resolutionKind?: string }[]>(problems).flat();
    expect(found.filter(({ resolutionKind }) => !/^(?:node10|node16-cjs)$/.test(resolutionKind ?? ""))).toEqual([]);
  });

  it("has no fault that publint finds", async () => {
    const { buffer, byteOffset, byteLength } = await readFile(installed.tarball);
    const packed = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer };
    expect((await publint({ pack: packed, strict: true })).messages).toEqual([]);
  });

  it("has types that a project in TypeScript can use", async () => {
    const source = `
import { Hono } from "hono";
import { type CallReport, ConfigError, createApp, type Log } from "nextauth-token-proxy";
import { type AccessTokenOptions, accessToken, webNonceSession } from "nextauth-token-proxy/resource-server";
import { createWorker } from "nextauth-token-proxy/worker";
${OPTIONS}
new Hono().get("/", session, token, (c) => {
  const userid: string = c.var.userid;
  const accountid: number | undefined = c.var.accountid;
  const sub: string | undefined = c.var.claims.sub;
  // @ts-expect-error the values of the session are typed
  const wrong: boolean = c.var.userid;
  return c.json({ userid, accountid, sub, wrong });
});
// @ts-expect-error a symmetric algorithm
export const algorithms: AccessTokenOptions["algorithms"] = ["HS256"];
const log: Log = (level, event, fields) => console.log(level, event, fields?.provider);
const onCall = ({ outcome, duration_ms }: CallReport) => console.log(outcome satisfies string, duration_ms.toFixed());
new Hono().route("/", await createApp("version: 1", { env: process.env, folder: ".", fileName: "f", log, onCall }));
export const faultsOf = (error: unknown) => (error instanceof ConfigError ? error.faults.map(({ line }) => line) : []);
// @ts-expect-error an unknown level
export const badLog: Log = (level: "fatal") => console.log(level);
export default { fetch: (request: Request) => createWorker("version: 1").fetch(request, {}) };
`;
    const compilerOptions = { module: "nodenext", target: "es2024", strict: true, noEmit: true, types: ["node"] };
    await writeFile(join(installed.project, "consumer.ts"), source);
    const tsconfig = JSON.stringify({ compilerOptions, files: ["consumer.ts"] });
    await writeFile(join(installed.project, "tsconfig.json"), tsconfig);
    const { stdout } = await run(process.execPath, [TSC, "-p", installed.project]).catch((error) => error);
    expect(stdout).toBe("");
  });
});

const COMPATIBILITY_DATE = "2026-11-01";

const { publicKey, privateKey } = await generateKeyPair("ES256");
let server: Server;
let worker: ServedWorker;
let base: string;

/** The issuer and the nextAuth Server in one; slow, so that requests overlap. */
async function startServer(): Promise<string> {
  const keys = [{ ...(await exportJWK(publicKey)), alg: "ES256" }];
  server = createServer((request, response) => {
    const loggedin = request.headers["x-nonce"] === "good";
    const answer = { keys, active: true, loggedin, userid: "alice" };
    setTimeout(() => response.end(JSON.stringify(answer)), 50);
  });
  return `http://127.0.0.1:${await listenLocally(server)}`;
}

async function build(): Promise<void> {
  const source = `
import { Hono } from "hono";
import { accessToken, webNonceSession } from "nextauth-token-proxy/resource-server";
const base = ${JSON.stringify(base)};
const introspection = { endpoint: base + "/introspect", client_id: "api", client_secret: "secret" };
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
  await run(process.execPath, wrangler, {
    cwd: installed.project,
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}

/** @returns the distinct answers to twenty requests that are sent at once */
async function askTwenty(path: string, headers: Record<string, string>): Promise<string[]> {
  const answers = Array.from({ length: 20 }, async () => {
    const response = await fetch(worker.url + path, { headers, signal: AbortSignal.timeout(30_000) });
    return `${response.status} ${await response.text()}`;
  });
  return [...new Set(await Promise.all(answers))];
}

describe("the middlewares of the package in a Worker, with concurrent requests", () => {
  beforeAll(async () => {
    base = await startServer();
    await build();
    const text = await readFile(join(installed.project, "built/worker.js"), "utf8");
    worker = await serveWorkerd({ modules: [{ name: "worker.js", kind: "esModule", text }], bindings: {} });
  });
  afterAll(async () => {
    await worker?.close();
    server?.close();
  });

  it("webNonceSession accepts only sessions that are logged in", async () => {
    expect(await askTwenty("/session", { "x-nonce": "good" })).toEqual(["200 alice"]);
    expect(await askTwenty("/session", { "x-nonce": "bad" })).toEqual([expect.stringMatching(/^401 .*invalid_token/)]);
  });

  it("accessToken verifies and introspects, first with empty caches and then with full ones", async () => {
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
