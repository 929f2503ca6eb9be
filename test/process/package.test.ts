// The package as it would be published, and what a project gets that uses it.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

describe("the package", () => {
  it("has nothing in it but what it is used by", () => {
    expect(installed.contents).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const others = installed.contents.filter(
      (name) => !/^(?:LICENSE|README\.md|package\.json|dist\/.+\.(?:js|d\.ts))$/.test(name),
    );
    expect(others).toEqual([]);
  });

  it("has nothing that publint would change", async () => {
    const { buffer, byteOffset, byteLength } = await readFile(installed.tarball);
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
    await writeFile(join(installed.project, "consumer.ts"), source);
    await writeFile(
      join(installed.project, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: ["consumer.ts"] }),
    );
    const { stdout } = await run(process.execPath, [TSC, "-p", installed.project]).catch((error) => error);
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
    await writeFile(join(installed.project, "consumer.mjs"), source);
    const { stdout } = await run(process.execPath, ["consumer.mjs"], { cwd: installed.project });
    const challenge = 'Bearer realm="resource server"';
    expect(JSON.parse(stdout)).toEqual([
      [401, challenge, ""],
      [401, challenge, ""],
      [401, expect.stringContaining('error="invalid_token"'), expect.stringContaining('"error":"invalid_token"')],
      "function",
    ]);
  });
});
