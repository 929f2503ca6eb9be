// The container image, without Docker: what it copies, its user, and its commands.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { temporaryFolder } from "../cli/temporary-folder.ts";
import { callGetToken } from "../support/call.ts";
import { collect, end, waitForLine } from "../support/child.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { createContextFilter, execForm, parseDockerfile, type Stage } from "./dockerfile.ts";

const run = promisify(execFile);
const stages = parseDockerfile(await readFile("deploy/docker/Dockerfile", "utf8"));
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
    expect(all(final, "COPY")).toMatchObject([{ flags: { from: build.name }, rest: "/app /app" }]);
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

  /** Runs the ENTRYPOINT with this project's Node, which may write nothing. */
  async function start() {
    const etc = await mkdtemp(join(folder, "etc-"));
    const config = join(etc, "token-proxy.yaml");
    await writeFile(config, JSON.stringify(fileConfig(provider.tokenEndpoint)));
    const [node, ...args] = entrypoint.map((word) => word.replace("/etc/token-proxy/token-proxy.yaml", config));
    expect([node, args.at(-1)]).toEqual(["node", config]);
    const child = spawn(process.execPath, ["--permission", "--allow-fs-read=*", ...args], {
      cwd: image,
      env: { NODE_ENV: "production", ...SECRETS },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = collect(child);
    const started = await waitForLine(child, child.stdout as Readable, output, (line) => {
      const parsed = line.startsWith("{") ? JSON.parse(line) : {};
      return parsed.event === "started" ? (parsed as { listen: string; admin: string }) : undefined;
    });
    return { child, output, ...started, close: () => end(child, etc) };
  }

  it("contain the file that the ENTRYPOINT runs, and no dev dependency", async () => {
    const script = entrypoint.find((word) => word.endsWith(".js")) as string;
    expect(existsSync(join(image, script))).toBe(true);
    const installed = await readdir(join(image, "node_modules"));
    expect(installed).toContain("hono");
    for (const name of ["vitest", "typescript", "node", "wrangler"]) expect(installed).not.toContain(name);
  });

  it("answer getToken and the HEALTHCHECK on a read-only file system, until `docker stop` sends SIGTERM", async () => {
    const check = async (port: string) => {
      const [node, ...args] = healthcheck.map((word) => word.replace("127.0.0.1:9613", `127.0.0.1:${port}`));
      expect(node).toBe("node");
      return run(process.execPath, args, { cwd: image }).then(
        () => 0,
        (error) => error.code as number,
      );
    };
    const proxy = await start();
    expect((await callGetToken(proxy.listen)).status).toBe(200);
    expect(await check(new URL(proxy.admin).port)).toBe(0);
    expect(await check(String(await freePort()))).toBe(1);
    expect(proxy.output()).not.toContain("ERR_ACCESS_DENIED");
    const exit = once(proxy.child, "exit");
    proxy.child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    await proxy.close();
  });
});
