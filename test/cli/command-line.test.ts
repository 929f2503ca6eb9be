// The command line itself: help is complete, and wrong usage gets one line without anything that
// may be a secret.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import schemaJson from "../../token-proxy.schema.json" with { type: "json" };
import { runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const folder = temporaryFolder();

const run = (...args: string[]) => runCommand(args, { cwd: folder });

const FILES = ["--config <file>", "--env-file <file>"];
const VALUES = ["--userid <text>", "--value <name=text...>", "--path <path>"];

const OPTIONS: Record<string, string[]> = {
  start: FILES,
  dev: [...FILES, "--allow-real-provider"],
  check: [...FILES, ...VALUES, "--pin <file>", "--json", "--live", "--call <file>", "--probe"],
  "get-token": [
    ...[...FILES, ...VALUES, "--url <url>", "--caller <name>"],
    ...["--certificate <file>", "--private-key <file>", "--ca <file>"],
  ],
  init: [
    ...[...FILES, "--provider <name>", "--issuer <url>", "--no-discovery", "--grant-type <name>", "--client-id <text>"],
    ...["--auth-method <name>", "--alg <name>", "--signing-issuer <url>", "--scope <text>", "--set <key=text...>"],
    "--json",
  ],
  keygen: ["--alg <name>", "--kid <text>", "--out <file>", "--force"],
  schema: [],
};

describe("--help", () => {
  it.each(Object.entries(OPTIONS))("of %s lists every option, and the exit statuses", async (name, options) => {
    const { status, out, err } = await run(name, "--help");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const listed = [...out.matchAll(/^ {2}(?:-[a-z], )?(--[a-z-]+(?: <\S+>)?) /gm)].map(([, option]) => option);
    expect(listed.sort()).toEqual([...options, "--help"].sort());
    expect(out).toMatch(/\nExit status:\n {2}0 {2}\w.+\n(?: {2}1 {2}\w.+\n)? {2}2 {2}\w/);
    expect((await run("help", name)).out).toBe(out);
  });

  it("lists every command", async () => {
    const { status, out } = await run("--help");
    expect(status).toBe(0);
    const commands = [...out.matchAll(/^ {2}([a-z-]+)(?: \[\w+\])? {2,}[a-z]/gm)].map(([, command]) => command);
    expect(commands).toEqual([...Object.keys(OPTIONS), "help"]);
    expect(out).toContain("Exit status:");
  });

  it.each(["--version", "-V"])("has a sibling %s that prints the version of the package", async (option) => {
    expect(await run(option)).toEqual({ status: 0, out: `${packageJson.version}\n`, err: "" });
  });
});

const SECRET = "Zq7xWv4kPjR2";

describe("wrong usage ends with status 2 and one line:", () => {
  it.each<[string, string[], string]>([
    ["a misspelt command", ["chekc"], 'unknown command (Did you mean check?); see "nextauth-token-proxy --help"\n'],
    ["help of an unknown command", ["help", SECRET], 'unknown command; see "nextauth-token-proxy --help"\n'],
    ["an unknown command", [SECRET], 'unknown command; see "nextauth-token-proxy --help"\n'],
    [
      "a misspelt option",
      ["check", "--lvie"],
      "unknown option '--lvie' (Did you mean --live?); see \"nextauth-token-proxy check --help\"\n",
    ],
    ["an unknown option of start", ["--frobnicate"], "'--frobnicate'; see \"nextauth-token-proxy start --help\"\n"],
    ["an unknown option with a value", [`--nonce=${SECRET}`], "unknown option '--nonce'; see"],
    ["a value with two lines", [`--nonce=a\n(${SECRET}`], "unknown option '--nonce'; see"],
    ["a value for a switch", ["check", `--live=${SECRET}`], "unknown option '--live'; see"],
    ["an argument", ["check", SECRET], "too many arguments: this command only has options; see"],
    ["an argument of start", ["start", SECRET], "too many arguments: this command only has options; see"],
    ["an option without its value", ["check", "--config"], "option '-c, --config <file>' argument missing; see"],
    [
      "an unknown algorithm",
      ["keygen", "--out", "k", "--alg", "HS256"],
      "Allowed choices are ES256, ES384, PS256, RS256, EdDSA; see",
    ],
    ["no configuration file", ["check"], "cannot read the configuration file token-proxy.yaml (ENOENT)"],
  ])("%s", async (_, args, expected) => {
    const { status, out, err } = await run(...args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain(expected);
    expect(err.trimEnd()).not.toContain("\n");
    expect(err).not.toContain(SECRET);
  });
});

describe("a fault in the file", () => {
  it("is shown with its line and a caret", async () => {
    await writeFile(join(folder, "faulty.yaml"), "version: 1\n\twatch: all\n");
    const { status, err } = await runCommand(["check", "--config", "faulty.yaml"], { cwd: folder });
    expect({ status, err }).toEqual({
      status: 2,
      err: `faulty.yaml:2:1 invalid YAML: a tab or another blank is used for indentation; use spaces
    2 | 	watch: …
      | ^
1 fault in the configuration
`,
    });
  });
});

describe("the process", () => {
  it("ends with the status of the command and prints errors only to standard error", async () => {
    const wrong = runCli(["chekc"], { cwd: folder });
    expect(await wrong.exit()).toBe(2);
    expect([wrong.stdout(), wrong.stderr().split("\n").length]).toEqual(["", 2]);
  });

  it("prints with schema the JSON Schema of token-proxy.schema.json", async () => {
    const { status, out, err } = await run("schema");
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const cure =
      "refresh it: npx node src/launch.js schema > token-proxy.schema.json && npx biome check --write token-proxy.schema.json";
    expect(JSON.stringify(schemaJson), cure).toBe(JSON.stringify(JSON.parse(out)));
  });
});
