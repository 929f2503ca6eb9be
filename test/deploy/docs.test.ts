// The commands in the pages: valid shell, files and options that exist; those for systemd run.

import { execFile } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { ERROR_TABLE } from "../../src/core/errors.ts";
import { CLI, runCli } from "../support/process.ts";
import { itWhere, versionOf } from "./it-where.ts";

const run = promisify(execFile);
const names = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md")];
const pages = await Promise.all(names.map(async (name) => ({ name, text: await readFile(name, "utf8") })));
const deploy = await readFile("docs/deploy.md", "utf8");
const hasSystemd = /systemd \d/.test(await versionOf("systemd-analyze", "--version"));

/** Files that the reader creates. */
const CREATED = ["worker/token-proxy.staging.yaml", "worker/staging.ts"];

/** The commands of a page that run the command line, with their options. */
const usesOf = (text: string) =>
  [...text.replaceAll(/\\\n/g, " ").matchAll(/src\/launch\.js (start|check|get-token|init|keygen)([^\n`]*)/g)].map(
    ([, command = "", rest = ""]) => ({
      command,
      options: [...rest.matchAll(/ (--[a-z-]+)/g)].map(([, option]) => option),
    }),
  );

const helps = new Map<string, Promise<string>>();
function helpOf(command: string): Promise<string> {
  const known = helps.get(command);
  if (known !== undefined) return known;
  const help = run(process.execPath, [CLI, command, "--help"]).then(({ stdout }) => stdout);
  helps.set(command, help);
  return help;
}

describe("the pages", () => {
  const shell = pages.flatMap(({ text }) =>
    [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, lines]) => lines as string),
  );

  it("have shell lines that a shell understands", async () => {
    expect(shell.length).toBeGreaterThan(20);
    for (const lines of shell) await run("bash", ["-n", "-c", lines]);
  });

  it("wait for a proxy that they start in the background, which takes seconds", () => {
    const starts = shell.flatMap((lines) => [...lines.matchAll(/launch\.js start [^\n]*&\n([^\n]*)/g)]);
    expect(starts.length).toBeGreaterThan(1);
    for (const [, next] of starts) expect(next).toMatch(/^curl -s .*--retry 30 .*:9613\/readyz$/);
  });

  it("ask questions only where no other line would be the answer", () => {
    const asking = shell.filter((lines) => /launch\.js init$/m.test(lines));
    expect(asking.length).toBeGreaterThan(1);
    for (const lines of asking) expect(lines).toMatch(/launch\.js init( --.*)?\n$/);
  });

  it("name only files of deploy/, examples/ and worker/ that exist", () => {
    const paths = pages.flatMap(({ text }) =>
      [...text.matchAll(/(?<![\w/-])(?:deploy|examples|worker)\/[\w./-]*\w/g)].map(([path]) => path),
    );
    expect(paths.length).toBeGreaterThan(20);
    expect(paths.filter((path) => !CREATED.includes(path) && !existsSync(path))).toEqual([]);
  });

  it("use only options that the command line has", async () => {
    const uses = pages.flatMap(({ text }) => usesOf(text));
    expect(uses.length).toBeGreaterThan(10);
    for (const { command, options } of uses) {
      for (const option of options) expect(await helpOf(command), command).toContain(`${option} `);
    }
  });
});

describe("docs/http-api.md", () => {
  it("has a row for each error code, with its status and error", async () => {
    const page = await readFile("docs/http-api.md", "utf8");
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (\w+) \|/gm)].map(([, code, status, error]) => [
      code,
      [Number(status), error],
    ]);
    expect(Object.fromEntries(rows)).toEqual(ERROR_TABLE);
  });
});

describe("docs/deploy.md", () => {
  it("sizes by the measurements of docs/performance.md", async () => {
    const performance = await readFile("docs/performance.md", "utf8");
    const measured = (variant: string) => {
      const cellsOf = (start: string) => {
        const row = performance.split("\n").find((line) => line.startsWith(start));
        return row?.split("|").map((cell) => cell.trim()) ?? [];
      };
      const names = cellsOf("| variant | CPU");
      const cells = cellsOf(`| **${variant}** |`);
      return { cpu: Number(cells[names.indexOf("CPU ms per call")]), calls: cells[names.indexOf("calls/s")] };
    };
    for (const [row, variant] of [
      ["a token request with a client secret", "this proxy"],
      ["with an ES256 signature for each call", "this proxy, signing an ES256 assertion"],
      ["on workerd", "this proxy on workerd"],
    ] as const) {
      const { cpu, calls } = measured(variant);
      const shown = new RegExp(`^\\| ${row} \\| ([\\d.]+) ms \\| ([\\d,]+) calls/s `, "m").exec(deploy);
      expect([Number(shown?.[1]), shown?.[2]], row).toEqual([Number(cpu.toPrecision(2)), calls]);
    }
  });

  it("checks the configuration for systemd before the first start, with the secrets next to it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "token-proxy-docs-"));
    await cp("deploy/systemd/token-proxy.yaml", join(folder, "token-proxy.yaml"));
    for (const name of ["gettoken-apikey", "nextauth-apikey", "retail-client-secret"]) {
      await writeFile(join(folder, name), "a-secret-0123456789abcdef\n");
    }
    const line = /sudo sh -c '(sed .*)'/.exec(deploy)?.[1] as string;
    await run("sh", ["-c", line], { cwd: folder });
    const check = runCli(["check", "--config", "check.yaml"], { cwd: folder });
    // 1 because the example's provider does not exist; a missing secret would be 2.
    expect(await check.exit(), check.stderr()).toBe(1);
    await rm(folder, { recursive: true });
  });

  it("makes a file for each secret of what init wrote, and a configuration with their new places", async () => {
    const folder = await mkdtemp(join(tmpdir(), "token-proxy-docs-"));
    const urls = ["--issuer", "https://sso.bank.test/realms/retail", "--signing-issuer", "https://tokens.bank.test"];
    const init = runCli(["init", "--provider", "keycloak", ...urls, "--no-discovery"], { cwd: folder });
    expect(await init.exit(), init.stderr()).toBe(0);
    const script = /^umask 077\nSECRETS=[\s\S]*?(?=^```)/m.exec(deploy)?.[0] as string;
    await run("sh", ["-c", script], { cwd: folder });
    const text = await readFile(join(folder, "production.yaml"), "utf8");
    const { config } = parseConfig(text, "production.yaml");
    const paths = [...text.matchAll(/file: (\S+) }/g)].map(
      ([, path = ""]) => path.split("/run/credentials/nextauth-token-proxy.service/")[1] as string,
    );
    expect(paths.toSorted()).toEqual([
      `${config.signing?.keys[0]?.kid}.pem`,
      "gettoken-apikey",
      "keycloak-client-secret",
    ]);
    const lines = await readFile(join(folder, ".env"), "utf8");
    expect(lines).toContain(`KEYCLOAK_CLIENT_SECRET=${await readFile(join(folder, "keycloak-client-secret"), "utf8")}`);
    for (const path of paths) expect((await stat(join(folder, path))).mode & 0o077, path).toBe(0);
    await rm(folder, { recursive: true });
  });

  itWhere(hasSystemd, "no systemd-analyze")(
    "makes a template unit that systemd accepts, and a file for each instance",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "token-proxy-docs-"));
      const script = /(^sed -e [\s\S]*?\.service) \| sudo tee/m.exec(deploy)?.[1];
      const { stdout: unit } = await run("sh", ["-c", script as string]);
      const file = join(folder, "nextauth-token-proxy@1.service");
      await writeFile(file, unit.replace("/usr/bin/node", process.execPath));
      await cp("deploy/systemd/nextauth-token-proxy.socket", join(folder, "nextauth-token-proxy.socket"));
      expect(unit).toContain("[Service]\nSockets=nextauth-token-proxy.socket\n");
      expect(unit).toContain("--config /etc/nextauth-token-proxy/%i.yaml\n");
      const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", file]);
      expect(stdout + stderr).toBe("");

      await cp("deploy/systemd/token-proxy.yaml", join(folder, "token-proxy.yaml"));
      const loop = /^for i in [\s\S]*?^done/m.exec(deploy)?.[0].replaceAll("sudo ", "") as string;
      await run("sh", ["-c", loop], { cwd: folder });
      for (const instance of [1, 2, 3]) {
        const text = await readFile(join(folder, `${instance}.yaml`), "utf8");
        expect(text).toContain(`admin: 127.0.0.1:961${instance + 2}`);
        expect(text).toContain(`/run/credentials/nextauth-token-proxy@${instance}.service/gettoken-apikey`);
      }
      await rm(folder, { recursive: true });
    },
  );
});
