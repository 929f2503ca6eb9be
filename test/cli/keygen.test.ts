// The keygen command: a key that the proxy takes, in a file that nobody else can read.

import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, type JWK } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Secret } from "../../src/core/secret.ts";
import { nodeSha256 } from "../../src/node/host.ts";
import { importSigningKey, SIGNING_ALGORITHMS } from "../../src/oauth/signing-key.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { runCli } from "../support/process.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-keygen-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function cli(args: string[], env: Record<string, string> = {}) {
  const run = runCli(args, { cwd: folder, env });
  const status = await run.exit();
  return { status, out: run.stdout(), err: run.stderr() };
}

const keygen = (...args: string[]) => cli(["keygen", ...args]);
const read = (name: string) => readFile(join(folder, name), "utf8");

describe("keygen", () => {
  it.each(SIGNING_ALGORITHMS)("makes a key for %s, and prints its public half as it is published", async (alg) => {
    const { status, out, err } = await keygen("--alg", alg, "--kid", "2026-11", "--out", "key.pem");
    expect(status).toBe(0);
    const pem = await read("key.pem");
    const key = { kid: "2026-11", alg, key: new Secret(pem), certificate: undefined };
    const { publicJwk } = await importSigningKey(key, { sha256: nodeSha256 });
    expect(JSON.parse(out)).toEqual(publicJwk);
    for (const line of pem.split("\n").filter((text) => text !== "" && !text.startsWith("-----"))) {
      expect(out + err).not.toContain(line);
    }
    if (publicJwk.n !== undefined) expect(Buffer.from(publicJwk.n, "base64url")).toHaveLength(3072 / 8);
  });

  it("takes ES256 where nothing is said, and names the key by its day and its thumbprint", async () => {
    const { out } = await keygen("--out", "key.pem");
    const { kid, alg, ...jwk } = JSON.parse(out) as JWK;
    const thumbprint = Buffer.from(await calculateJwkThumbprint(jwk), "base64url").toString("hex");
    expect(alg).toBe("ES256");
    expect(kid).toBe(`${new Date().toISOString().slice(0, 10)}-${thumbprint.slice(0, 6)}`);
  });

  it("says what to write, and the check command takes it", async () => {
    const first = await keygen("--out", "first key.pem");
    const second = await keygen("--out", "second.pem", "--alg", "EdDSA", "--kid", '20"26: #');
    const written = (err: string) => parse(/^ +- (\{.*\})$/m.exec(err)?.[1] as string);
    const published = (err: string) => parse(/^ +- (\{.*use: verify \})$/m.exec(err)?.[1] as string);
    const today = new Date().toISOString().slice(0, 10);
    expect(written(first.err)).toMatchObject({ alg: "ES256", created: today });
    expect(published(second.err)).toMatchObject({ kid: '20"26: #', alg: "EdDSA", created: today, use: "verify" });
    for (const step of ["reload", "300 s", "delete its file"]) expect(second.err).toContain(step);
    const keys = [written(first.err), published(second.err)];
    const file = fileConfig("http://127.0.0.1:1/token", { file: { signing: { keys } } });
    await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));
    const { status, out, err } = await cli(["check"], SECRETS);
    expect(err).toBe("");
    expect(status).toBe(0);
    expect(out).toMatch(/signing +ES256 \S+, signs\n +EdDSA 20"26: #, is published only/);
  });

  it("lets nobody but the owner read the file", async () => {
    await keygen("--out", "key.pem");
    expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
  });

  it("leaves a key that is there as it is, and replaces it only with --force, by one that is as private", async () => {
    await writeFile(join(folder, "key.pem"), "the old key", { mode: 0o644 });
    const refused = await keygen("--out", "key.pem");
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toMatch(/^cannot write the private key to "key\.pem" \(EEXIST\): it exists already: .*--force/);
    expect(await read("key.pem")).toBe("the old key");
    expect((await keygen("--out", "key.pem", "--force")).status).toBe(0);
    expect(await read("key.pem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["key.pem"]);
    expect((await keygen("--out", "new.pem", "--force")).status).toBe(0);
  });

  it("replaces no link and no folder, whatever is asked", async () => {
    await writeFile(join(folder, "target"), "something else");
    await symlink("target", join(folder, "link.pem"));
    for (const args of [[], ["--force"]]) expect((await keygen("--out", "link.pem", ...args)).status).toBe(2);
    expect((await lstat(join(folder, "link.pem"))).isSymbolicLink()).toBe(true);
    expect(await read("target")).toBe("something else");
    expect((await keygen("--out", "link.pem", "--force")).err).toBe(
      '"link.pem" is no regular file, which is all that --force replaces: name another file\n',
    );
    for (const args of [[], ["--force"]]) {
      expect((await keygen("--out", ".", ...args)).err).toBe('"." is a folder: name a file in it\n');
    }
  });

  it.each([
    ["no --out", [], /^--out FILE says where the private key goes: it is never printed/],
    ["--out -", ["--out", "-"], /^--out FILE says where the private key goes: it is never printed/],
    [
      "a folder that is not there",
      ["--out", "no/key.pem"],
      /"no\/key\.pem" \(ENOENT\): its folder does not exist: create/,
    ],
    [
      "another algorithm",
      ["--out", "k", "--alg", "HS256"],
      /^--alg must be one of ES256, ES384, PS256, RS256, EdDSA\n$/,
    ],
    ["a kid of nothing", ["--out", "k", "--kid", ""], /^--kid must have 1 to 256 characters/],
    ["a kid that is too long", ["--out", "k", "--kid", "k".repeat(257)], /^--kid must have 1 to 256 characters/],
    ["a kid of two lines", ["--out", "k", "--kid", "a\nb"], /^--kid must have 1 to 256 characters/],
  ])("writes nothing with %s", async (_, args, message) => {
    const { status, out, err } = await keygen(...args);
    expect(err).toMatch(message);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(await readdir(folder)).toEqual([]);
  });
});
