// Imports in src only point down, so that the core depends on no framework, runtime or file system.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

/** Each folder, or file at the top of src, with the ones it may import from. */
const BELOW_CONFIG = ["core", "oauth", "nextauth"];
const BELOW_APP = [...BELOW_CONFIG, "config", "get-token", "steps"];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  oauth: ["core"],
  nextauth: ["core"],
  "resource-server": ["core", "nextauth"],
  config: BELOW_CONFIG,
  "get-token": [...BELOW_CONFIG, "config"],
  steps: [...BELOW_CONFIG, "config", "get-token"],
  app: BELOW_APP,
  worker: [...BELOW_APP, "app"],
  node: [...BELOW_APP, "app"],
  cli: [...BELOW_APP, "app", "node"],
  index: [...BELOW_APP, "app", "node"],
};

/** The folders that may use a package; `node:` is every module of Node's own. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  hono: ["app", "steps", "node", "worker", "index", "cli", "resource-server"],
  "@hono/node-server": ["node"],
  undici: ["node"],
  "@opentelemetry/api": ["core", "app", "steps"],
  "sonic-boom": ["node"],
  pino: ["node"],
  "prom-client": ["node"],
  "node:": ["node", "cli", "index"],
  zod: ["core", "oauth", "nextauth", "config"],
  yaml: ["config", "cli"],
  "fastest-levenshtein": ["core"],
  jose: ["oauth", "cli", "resource-server", "node"],
  commander: ["cli"],
  "@clack/prompts": ["cli"],
};

/** Folders that may use globals; the others receive what they need through Deps. */
const HOSTS = ["node", "worker", "index", "cli", "resource-server"];
const GLOBALS =
  /\bprocess\.env\b|\bDate\.now\(|\bperformance\.now\(|\bcrypto\.|(?<![.\w])fetch\(|\bMath\.random\(|\bconsole\./;

interface Source {
  file: string;
  room: string;
  text: string;
  imports: string[];
}

const sources: Source[] = globSync("src/**/*.ts").map((file) => {
  const text = readFileSync(file, "utf8");
  const imports = [...text.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"|\bimport\("([^"]+)"\)/gms)].map(
    (match) => (match[1] ?? match[2]) as string,
  );
  return { file, room: roomOf(file), text, imports };
});

/** `src/worker.ts` and `src/cli.ts` belong to the folders of their names. */
function roomOf(file: string): string {
  return (file.split("/")[1] as string).replace(/\.ts$/, "");
}

function mayImport(from: string, to: string): boolean {
  return MAY_IMPORT[from]?.includes(to) === true;
}

function targetOf(source: Source, specifier: string): string {
  return normalize(join(dirname(source.file), specifier));
}

describe("imports of src", () => {
  it("are found at all", () => {
    expect(sources.length).toBeGreaterThan(30);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(100);
  });

  it("point down only", () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter((specifier) => specifier.startsWith(".") && specifier.endsWith(".ts"))
        .map((specifier) => roomOf(targetOf(source, specifier)))
        .filter((room) => room !== source.room && !mayImport(source.room, room))
        .map((room) => `${source.file} imports from ${room}`),
    );
    expect(wrong).toEqual([]);
  });

  it("name a package only in the rooms that may use it", () => {
    const wrong = sources.flatMap(({ file, room, imports }) =>
      imports
        .filter((specifier) => !specifier.startsWith("."))
        .map((specifier) => (specifier.startsWith("node:") ? "node:" : packageOf(specifier)))
        .filter((name) => !PACKAGES[name]?.includes(room))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it("load optional features only when they are used", () => {
    const optional = ["src/node/outbound/proxy.ts", "src/oauth/assertion-file.ts", "src/oauth/signer.ts"];
    const loads = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/^(?:import|export) (?!type\b)[^;]*?\bfrom "([^"]+)"/gms)]
        .map((match) => normalize(join(dirname(file), match[1] as string)))
        .filter((target) => optional.includes(target))
        .map((target) => `${file} loads ${target}`),
    );
    expect(loads).toEqual([]);
    for (const file of optional) expect(sources.map((source) => source.file)).toContain(file);
  });

  it("form no circle", () => {
    const edges = new Map(
      sources.map((source) => [
        source.file,
        source.imports.filter((specifier) => specifier.startsWith(".")).map((specifier) => targetOf(source, specifier)),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const walk = (file: string, trail: readonly string[]) => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(" -> "));
      else if (!done.has(file)) {
        for (const next of edges.get(file) ?? []) walk(next, [...trail, file]);
        done.add(file);
      }
    };
    for (const file of edges.keys()) walk(file, []);
    expect(circles).toEqual([]);
  });

  it("are the only way to the host: no globals outside entries and platform", () => {
    const wrong = sources
      .filter(({ room }) => !HOSTS.includes(room))
      .flatMap(({ file, text }) =>
        text
          .split("\n")
          .map((line, index) => ({ line: line.replace(/\/\/.*$|^\s*\*.*$|\/\*.*$/, ""), at: `${file}:${index + 1}` }))
          .filter(({ line }) => GLOBALS.test(line))
          .map(({ line, at }) => `${at} ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
