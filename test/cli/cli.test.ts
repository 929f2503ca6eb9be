// The command line itself: its help is complete, and what cannot be meant is told in one line, without what may be a secret.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { runCli } from "../support/process.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(`${tmpdir()}/token-proxy-cli-`); // without a configuration file
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function cli(...args: string[]) {
  const run = runCli(args, { cwd: folder });
  const status = await run.exit();
  return { status, out: run.stdout(), err: run.stderr() };
}

const FILES = ["--config <file>", "--env-file <file>"];
const VALUES = ["--userid <text>", "--value <name=text...>"];

const OPTIONS: Record<string, string[]> = {
  start: FILES,
  check: [...FILES, ...VALUES, "--live"],
  "get-token": [
    ...[...FILES, ...VALUES, "--url <url>", "--path <path>", "--method <method>", "--caller <name>"],
    ...["--certificate <file>", "--private-key <file>", "--ca <file>"],
  ],
  keygen: ["--alg <name>", "--kid <text>", "--out <file>", "--force"],
  schema: [],
};

describe("--help", () => {
  it.each(Object.entries(OPTIONS))(
    "of %s names every option, examples, exit statuses and variables",
    async (name, options) => {
      const { status, out, err } = await cli(name, "--help");
      expect({ status, err }).toEqual({ status: 0, err: "" });
      const listed = [...out.matchAll(/^ {2}(?:-[a-z], )?(--[a-z-]+(?: <\S+>)?) /gm)].map(([, option]) => option);
      expect(listed.sort()).toEqual([...options, "--help"].sort());
      expect(out).toMatch(new RegExp(`\nExamples:\n {2}nextauth-token-proxy ${name}\\b`));
      expect(out).toMatch(/\nExit status:\n {2}0 {2}\w.+\n(?: {2}1 {2}\w.+\n)? {2}2 {2}\w/);
      expect(out).toMatch(/\nEnvironment:\n {2}\w/);
      if (options.includes("--config <file>")) expect(out).toMatch(/\n {2}TOKEN_PROXY_CONFIG {2,}\w/);
      expect((await cli("help", name)).out).toBe(out);
    },
  );

  it("names every command", async () => {
    const { status, out } = await cli("--help");
    expect(status).toBe(0);
    const commands = [...out.matchAll(/^ {2}([a-z-]+)(?: \[\w+\])? {2,}[a-z]/gm)].map(([, command]) => command);
    expect(commands).toEqual([...Object.keys(OPTIONS), "help"]);
    for (const word of ["Exit status:", "TOKEN_PROXY_CONFIG", "NO_COLOR"]) expect(out).toContain(word);
  });

  it.each(["--version", "-V"])("stands beside %s, which says that of the package", async (option) => {
    expect(await cli(option)).toEqual({ status: 0, out: `${packageJson.version}\n`, err: "" });
  });
});

const SECRET = "Zq7xWv4kPjR2";

describe("what cannot be meant ends with 2 and one line:", () => {
  it.each<[string, string[], string]>([
    ["a misspelt command", ["chekc"], 'unknown command; did you mean "check"? see "nextauth-token-proxy --help"\n'],
    ["a command that is none", [SECRET], "unknown command: there are start, check, get-token, keygen, schema; see "],
    [
      "a misspelt option",
      ["check", "--lvie"],
      "unknown option '--lvie': did you mean --live; see \"nextauth-token-proxy check --help\"",
    ],
    [
      "an option that is none",
      ["check", "--frobnicate"],
      "unknown option '--frobnicate'; see \"nextauth-token-proxy check --help\"",
    ],
    ["an option of start that is none", ["--frobnicate"], 'see "nextauth-token-proxy start --help"'],
    ["a value for an option that is none", [`--nonce=${SECRET}`], "unknown option '--nonce'; see"],
    ["one with two lines", [`--nonce=a\n(${SECRET}`], "unknown option '--nonce'; see"],
    ["a value for a switch", ["check", `--live=${SECRET}`], "unknown option '--live'; see"],
    ["an argument", ["check", SECRET], "too many arguments for 'check': it takes options alone; see"],
    ["an argument of start", ["start", SECRET], "too many arguments for 'start': it takes options alone; see"],
    ["an option without its value", ["check", "--config"], "option '-c, --config <file>' needs a value; see"],
    ["no configuration file", ["check"], "there is no token-proxy.yaml here: name a file with --config"],
  ])("%s", async (_, args, expected) => {
    const { status, out, err } = await cli(...args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toContain(expected);
    expect(err.trimEnd()).not.toContain("\n");
    expect(err).not.toContain(SECRET);
  });
});
