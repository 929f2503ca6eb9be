// docs/deploy.md: its shell lines are shell, its files exist, its options are those of the command line, its links lead somewhere.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { CLI, runCli } from "../support/process.ts";

const run = promisify(execFile);
const PAGE = "docs/deploy.md";
const page = await readFile(PAGE, "utf8");
const shell = [...page.matchAll(/```sh\n(.*?)```/gs)].map(([, lines]) => lines as string);

describe("the page", () => {
  it("has shell lines that a shell understands", async () => {
    expect(shell.length).toBeGreaterThan(5);
    for (const lines of shell) await run("bash", ["-n", "-c", lines]);
  });

  it("names files of this repository that exist", () => {
    const paths = [...page.matchAll(/(?<![\w/-])(?:deploy|src|worker)\/[\w./-]*\w/g)].map(([path]) => path);
    expect(paths.length).toBeGreaterThan(10);
    const made = ["worker/token-proxy.staging.yaml", "worker/staging.ts"]; // by the reader
    for (const path of paths) if (!made.includes(path)) expect(existsSync(path), path).toBe(true);
  });

  it("links to files and headings that exist", () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, text = ""]) => text.toLowerCase().replaceAll(" ", "-"));
    for (const [, target = ""] of page.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith("#")) expect(headings).toContain(target.slice(1));
      else expect(existsSync(join(dirname(PAGE), target)), target).toBe(true);
    }
  });

  it("uses options that the command line has", async () => {
    const uses = page.replaceAll(/\\\n/g, " ").matchAll(/src\/cli\.ts (check|get-token)([^\n`]*)/g);
    for (const [, command, rest = ""] of uses) {
      const { stdout: help } = await run(process.execPath, [CLI, command as string, "--help"]);
      for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(help, command).toContain(`${option} `);
    }
  });

  it("checks the configuration under systemd before its first start with the files beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "token-proxy-docs-"));
    await cp("deploy/systemd/token-proxy.yaml", join(folder, "token-proxy.yaml"));
    for (const name of ["gettoken-apikey", "nextauth-apikey", "retail-client-secret"]) {
      await writeFile(join(folder, name), "a-secret-0123456789abcdef\n");
    }
    const line = /sudo sh -c '(sed .*)'/.exec(page)?.[1] as string;
    await run("sh", ["-c", line], { cwd: folder });
    const check = runCli(["check", "--config", "check.yaml"], { cwd: folder });
    expect(await check.exit(), check.stderr()).toBe(1); // 2 for a secret that is not there; the provider of the example is none
    expect(check.stdout()).toContain("no faults, every secret and key is there");
    await rm(folder, { recursive: true });
  });
});
