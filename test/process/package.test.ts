// The package as it would be published: packed from a copy of the sources, and used by a project that has its dependencies alone.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const run = promisify(execFile);
const TSC = resolve("node_modules/typescript/bin/tsc");
/** What the package is made of, npm's own part included. */
const SOURCES = ["src", "package.json", "tsconfig.json", "tsconfig.build.json", "README.md", "LICENSE"];

let folder: string;
let tarball: string;
let consumer: string;
let contents: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-package-"));
  tarball = await pack();
  consumer = await install();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** In a copy, since the build empties its folder first, and other tests run meanwhile. */
async function pack(): Promise<string> {
  const copy = join(folder, "copy");
  for (const source of SOURCES) await cp(source, join(copy, source), { recursive: true });
  await symlink(resolve("node_modules"), join(copy, "node_modules"));
  await run("npm", ["pack", "--offline", "--no-update-notifier", "--pack-destination", folder], { cwd: copy });
  const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  expect(packed).toHaveLength(1);
  return join(folder, packed[0] as string);
}

/** A project with the package and what the package says it needs, as npm would lay it out. */
async function install(): Promise<string> {
  const project = join(folder, "project");
  const installed = join(project, "node_modules/nextauth-token-proxy");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  contents = (await readdir(installed, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  const { dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    await mkdir(dirname(join(project, "node_modules", name)), { recursive: true });
    await symlink(resolve("node_modules", name), join(project, "node_modules", name));
  }
  await writeFile(join(project, "package.json"), '{ "type": "module" }');
  return project;
}

const OPTIONS = `
const session = webNonceSession({ url: "https://ns-api.bank.example", apikey: "apikey", serverid: "c2VydmVyLTE=" });
const token = accessToken({
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
});`;

describe("the package", () => {
  it("has nothing in it but what it is used by", () => {
    expect(contents).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const others = contents.filter(
      (name) => !/^(?:LICENSE|README\.md|package\.json|dist\/.+\.(?:js|d\.ts))$/.test(name),
    );
    expect(others).toEqual([]);
  });

  it("has nothing that publint would change", async () => {
    const { buffer, byteOffset, byteLength } = await readFile(tarball);
    const packed = { tarball: buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer };
    expect((await publint({ pack: packed, strict: true })).messages).toEqual([]);
  });

  it("gives its types to a project in TypeScript", async () => {
    const source = `
import { Hono } from "hono";
import { type AccessTokenOptions, accessToken, webNonceSession } from "nextauth-token-proxy/resource-server";
import { createWorker } from "nextauth-token-proxy/worker";
${OPTIONS}
new Hono().get("/", session, token, (c) => {
  const userid: string = c.var.userid;
  const accountid: number | undefined = c.var.accountid;
  const sub: string | undefined = c.var.claims.sub;
  // @ts-expect-error nothing of the session is of type any
  const wrong: boolean = c.var.userid;
  return c.json({ userid, accountid, sub, wrong });
});
// @ts-expect-error a symmetric algorithm
export const algorithms: AccessTokenOptions["algorithms"] = ["HS256"];
export default { fetch: (request: Request) => createWorker("version: 1").fetch(request, {}) };
`;
    const compilerOptions = { module: "nodenext", target: "es2024", strict: true, noEmit: true, types: ["node"] };
    await writeFile(join(consumer, "consumer.ts"), source);
    await writeFile(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
    const { stdout } = await run(process.execPath, [TSC, "-p", consumer]).catch((error) => error);
    expect(stdout).toBe("");
  });

  it("guards a Hono app of a project in JavaScript", async () => {
    const source = `
import { Hono } from "hono";
import { accessToken, webNonceSession } from "nextauth-token-proxy/resource-server";
import { createWorker } from "nextauth-token-proxy/worker";
${OPTIONS}
const app = new Hono().get("/session", session, (c) => c.text("in")).get("/token", token, (c) => c.text("in"));
const told = async (path, headers) => {
  const answer = await app.request(path, { headers });
  return [answer.status, answer.headers.get("www-authenticate"), await answer.text()];
};
const bad = { authorization: "Bearer e30.e30.e30" };
console.log(JSON.stringify([await told("/session"), await told("/token"), await told("/token", bad), typeof createWorker]));
`;
    await writeFile(join(consumer, "consumer.mjs"), source);
    const { stdout } = await run(process.execPath, ["consumer.mjs"], { cwd: consumer });
    const challenge = 'Bearer realm="resource server"';
    expect(JSON.parse(stdout)).toEqual([
      [401, challenge, ""],
      [401, challenge, ""],
      [401, expect.stringContaining('error="invalid_token"'), expect.stringContaining('"error":"invalid_token"')],
      "function",
    ]);
  });
});
