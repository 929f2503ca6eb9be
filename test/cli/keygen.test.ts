// The command `keygen`: a key that the proxy accepts, in a file that only its owner can read.

import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, type JWK } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { parse } from "yaml";
import { Secret } from "../../src/core/secret.ts";
import { nodeSha256 } from "../../src/node/host.ts";
import { importSigningKey, SIGNING_ALGORITHMS } from "../../src/oauth/signing-key.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { runCommand } from "./run-command.ts";

let folder: string;

beforeEach(async () => {
  vi.useFakeTimers({ now: new Date("2026-11-24T12:00:00Z"), toFake: ["Date"] });
  folder = await mkdtemp(join(tmpdir(), "token-proxy-keygen-"));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const cli = (args: string[], env: Record<string, string> = {}) => runCommand(args, { cwd: folder, env });
const keygen = (...args: string[]) => cli(["keygen", ...args]);
const read = (name: string) => readFile(join(folder, name), "utf8");

describe("keygen", () => {
  it.each(SIGNING_ALGORITHMS)("creates a key for %s, and prints its public half as it is published", async (alg) => {
    const { status, out, err } = await keygen("--alg", alg, "--kid", "2026-11", "--out", "key.pem");
    expect(status).toBe(0);
    expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
    const pem = await read("key.pem");
    const key = { kid: "2026-11", alg, key: new Secret(pem), certificate: undefined };
    const { publicJwk } = await importSigningKey(key, { sha256: nodeSha256 });
    expect(JSON.parse(out)).toEqual(publicJwk);
    for (const line of pem.split("\n").filter((text) => text !== "" && !text.startsWith("-----"))) {
      expect(out + err).not.toContain(line);
    }
    if (publicJwk.n !== undefined) expect(Buffer.from(publicJwk.n, "base64url")).toHaveLength(3072 / 8);
  });

  it("creates an ES256 key by default, named after its day and its thumbprint", async () => {
    const { out } = await keygen("--out", "key.pem");
    const { kid, alg, ...jwk } = JSON.parse(out) as JWK;
    const thumbprint = Buffer.from(await calculateJwkThumbprint(jwk), "base64url").toString("hex");
    expect(alg).toBe("ES256");
    expect(kid).toBe(`2026-11-24-${thumbprint.slice(0, 6)}`);
  });

  it("prints lines for the file that the check command accepts", async () => {
    const first = await keygen("--out", "first key.pem");
    const second = await keygen("--out", "second.pem", "--alg", "EdDSA", "--kid", '20"26: #');
    const written = (err: string) => parse(/^ +- (\{.*\})$/m.exec(err)?.[1] as string);
    const published = (err: string) => parse(/^ +- (\{.*use: verify \})$/m.exec(err)?.[1] as string);
    expect(written(first.err)).toMatchObject({ alg: "ES256", created: "2026-11-24" });
    expect(published(second.err)).toMatchObject({
      kid: '20"26: #',
      alg: "EdDSA",
      created: "2026-11-24",
      use: "verify",
    });
    for (const step of ["reload", "300 s", "delete its file"]) expect(second.err).toContain(step);
    const keys = [written(first.err), published(second.err)];
    const file = fileConfig("http://127.0.0.1:1/token", { file: { signing: { keys } } });
    await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));
    const { status, out, err } = await cli(["check"], SECRETS);
    expect(err).toBe("");
    expect(status).toBe(0);
    expect(out).toMatch(/signing +ES256 \S+, signs\nsigning +EdDSA 20"26: #, is only published/);
  });

  it("replaces an existing file only with --force, and makes the new one private", async () => {
    await writeFile(join(folder, "key.pem"), "the old key", { mode: 0o644 });
    const refused = await keygen("--out", "key.pem");
    expect(refused).toMatchObject({ status: 2, out: "" });
    expect(refused.err).toMatch(/^cannot write "key\.pem" \(EEXIST\): .*--force/);
    expect(await read("key.pem")).toBe("the old key");
    const forced = await keygen("--out", "key.pem", "--force");
    expect([forced.status, forced.err]).toEqual([0, expect.stringContaining("The key that was in this file is gone.")]);
    expect(await read("key.pem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect((await stat(join(folder, "key.pem"))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["key.pem"]);
    const fresh = await keygen("--out", "new.pem", "--force");
    expect([fresh.status, fresh.err]).toEqual([0, expect.not.stringContaining("gone")]);
  });
  it("keeps the old key if the new one cannot be written", async () => {
    await writeFile(join(folder, "key.pem"), "the old key");
    await writeFile(join(folder, "key.pem.new"), "in the way");
    const { status, err } = await keygen("--out", "key.pem", "--force");
    expect([status, err]).toEqual([2, expect.stringMatching(/^cannot write "key\.pem\.new" \(EEXIST\): /)]);
    expect(await read("key.pem")).toBe("the old key");
  });

  it.each(["", "a".repeat(257), "a\nb"])("refuses the kid %j", async (kid) => {
    const { status, err } = await keygen("--out", "key.pem", "--kid", kid);
    expect([status, err]).toEqual([2, "--kid must have 1 to 256 characters, and no control characters\n"]);
  });

  it("never replaces a link or a folder", async () => {
    await writeFile(join(folder, "target"), "something else");
    await symlink("target", join(folder, "link.pem"));
    for (const args of [[], ["--force"]]) {
      expect((await keygen("--out", "link.pem", ...args)).status).toBe(2);
      expect((await keygen("--out", ".", ...args)).status).toBe(2);
    }
    expect((await lstat(join(folder, "link.pem"))).isSymbolicLink()).toBe(true);
    expect(await read("target")).toBe("something else");
  });

  it.each([
    ["no --out", [], /^required option '--out <file>' not specified; see /],
    ["a missing folder", ["--out", "no/key.pem"], /"no\/key\.pem" \(ENOENT\): name a file in a folder that exists/],
  ])("writes nothing with %s", async (_, args, message) => {
    const { status, out, err } = await keygen(...args);
    expect(err).toMatch(message);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(await readdir(folder)).toEqual([]);
  });
});
