// examples/hsm as its README says: a key made in SoftHSM2 signs for the proxy, and is published.

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { install, run } from "../providers/install.ts";
import { type Program, startProgram } from "../providers/program.ts";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { freePort } from "../support/port.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

/** Installed, or unpacked in the folder SOFTHSM. */
const ROOT = process.env.SOFTHSM ?? "";
const MODULE = `${ROOT}/usr/lib/softhsm/libsofthsm2.so`;
/** Node's headers: without them, node-gyp would download some. Any version will do. */
const HEADERS = [dirname(dirname(process.execPath)), "/usr", "/usr/local"].find((folder) =>
  existsSync(join(folder, "include/node/node_api.h")),
);
const HAS_COMPILER = ["/usr/bin/g++", "/usr/bin/clang++"].some(existsSync) && existsSync("/usr/bin/make");
const missing = !existsSync(MODULE) ? "SoftHSM2" : !HAS_COMPILER ? "a C++ compiler" : undefined;

/** In the cache of the provider tests, because the project itself needs no compiler. */
const pkcs11js =
  missing === undefined
    ? await install({
        name: "pkcs11js",
        version: "2.1.7",
        async install(folder) {
          await writeFile(join(folder, "package.json"), '{"private":true,"allowScripts":{"pkcs11js":true}}');
          const options = ["--no-audit", "--no-fund", ...(HEADERS === undefined ? [] : [`--nodedir=${HEADERS}`])];
          await run(folder, "npm", ["install", `${this.name}@${this.version}`, ...options]);
        },
        launch: () => Promise.reject(new Error("it is no server")),
      })
    : undefined;
const why = missing === undefined ? "pkcs11js cannot be downloaded" : `there is no ${missing}`;

describe.skipIf(pkcs11js === undefined)(`examples/hsm${pkcs11js === undefined ? ` [skipped: ${why}]` : ""}`, () => {
  let folder: string;
  let provider: RecordingProvider;
  let url: string;
  let program: Program;

  beforeAll(async () => {
    provider = await startRecordingProvider();
    provider.answer = json('{"access_token":"t"}');
    folder = await mkdtemp(join(tmpdir(), "token-proxy-hsm-"));
    await mkdir(join(folder, "tokens"));
    await writeFile(join(folder, "softhsm2.conf"), `directories.tokendir = ${folder}/tokens\n`);
    await cp("examples/hsm", folder, { recursive: true, filter: (path) => !path.includes("node_modules") });
    await linkPackages(join(folder, "node_modules"));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const env = {
      SOFTHSM2_CONF: join(folder, "softhsm2.conf"),
      PKCS11_MODULE: MODULE,
      PKCS11_TOKEN: "token-proxy",
      PKCS11_LABEL: "signing",
      PKCS11_PIN: "the-pin",
      GETTOKEN_APIKEY: APIKEY,
      CONFIG: "local.yaml",
      PORT: String(port),
    };
    const execute = (file: string, ...args: string[]) =>
      promisify(execFile)(file, args, { cwd: folder, env: { ...process.env, ...env } });
    const pins = ["--pin", env.PKCS11_PIN, "--so-pin", "another-pin"];
    const created = ["--init-token", "--free", "--label", env.PKCS11_TOKEN, ...pins];
    await execute(`${ROOT}/usr/bin/softhsm2-util`, "--module", MODULE, ...created);
    await execute(process.execPath, "make-key.js");

    const file = readFileSync(join(folder, "token-proxy.yaml"), "utf8");
    const local = file
      .replace("issuer: https://sso.bank.example/realms/retail", `token_endpoint: ${provider.tokenEndpoint}`)
      .replace("https://tokens.bank.example", url);
    await writeFile(join(folder, "local.yaml"), local);
    program = startProgram({ command: [process.execPath, "main.js"], cwd: folder, env });
    await program.ready(`${url}/.well-known/jwks.json`, 60_000);
  });
  afterAll(async () => {
    await program?.stop();
    await provider?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** What `npm install` would put there: the sources of this checkout instead of its build. */
  async function linkPackages(packages: string): Promise<void> {
    await mkdir(packages);
    await symlink(join(pkcs11js as string, "node_modules/pkcs11js"), join(packages, "pkcs11js"));
    await symlink(resolve("node_modules/@hono"), join(packages, "@hono"));
    const library = join(folder, "library");
    await mkdir(library);
    await writeFile(join(library, "package.json"), '{"type":"module","exports":"./index.js"}');
    await writeFile(join(library, "index.js"), `export * from ${JSON.stringify(resolve("src/index.ts"))};\n`);
    await symlink(library, join(packages, "nextauth-token-proxy"));
  }

  it("signs every JWT with a key that its JWKS publishes, also many at once", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => callGetToken(url, { body: CALL })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
    const issuers = { client_assertion: "token-proxy", assertion: url };
    for (const { body } of provider.requests) {
      const form = new URLSearchParams(body);
      for (const [parameter, issuer] of Object.entries(issuers)) {
        const { protectedHeader } = await jwtVerify(form.get(parameter) ?? "", keys, { issuer });
        expect(protectedHeader).toMatchObject({ alg: "ES256", kid: "hsm-2026-11" });
      }
    }
    expect(provider.requests).toHaveLength(40);
  });

  it("publishes nothing private", async () => {
    const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: object[] };
    expect(keys.map((key) => Object.keys(key).sort())).toEqual([["alg", "crv", "kid", "kty", "use", "x", "y"]]);
  });
});
