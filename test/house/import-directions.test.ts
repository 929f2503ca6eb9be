// The rooms of src and which way imports may point: down only, so that the core knows no framework, runtime or file system.

import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

/** Files of the top folder that say what a thing is and nothing of what is done with it: every room may import them. */
const LEAFS: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  secret: [],
  headers: [],
  hex: [],
  json: [],
  ports: [],
  "log-line": ["ports"],
  "read-stream": [],
  "stack-frames": [],
  transport: ["secret"],
  retry: ["transport"],
  steps: ["errors", "ports"],
  "call-report": ["errors", "steps"],
  "fetch-transport": ["read-stream", "transport"],
};

/** Each room with the rooms it may import from, beside leafs. A file of the top folder is a room by its own name. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  nextauth: [],
  oauth: [],
  config: ["nextauth", "oauth"],
  "get-token": ["nextauth", "oauth", "config"],
  http: ["nextauth", "oauth", "config", "get-token"],
  app: ["nextauth", "oauth", "config", "get-token", "http"],
  status: ["nextauth", "oauth"],
  admin: ["http", "status"],
  "platform/node": ["oauth", "config", "http", "status"],
  "platform/worker": ["config", "http"],
  "node-program": ["app", "config", "nextauth", "platform/node", "status"],
  node: ["admin", "config", "node-program", "platform/node", "status"],
  processes: ["admin", "config", "node", "platform/node", "status"],
  "create-worker": ["app", "config", "http", "platform/worker"],
  worker: ["create-worker"],
  index: ["config", "http", "node-program", "platform/node"],
  "resource-server": ["nextauth", "oauth"],
  dev: ["nextauth", "config", "platform/node", "node"],
  commands: ["app", "config", "dev", "get-token", "nextauth", "node", "oauth", "platform/node", "processes"],
  "command-line": ["commands", "platform/node", "processes"],
  cli: ["command-line"],
};

/** The rooms that may use a package; `node:` stands for everything that Node brings. */
const PACKAGE_ROOMS: Readonly<Record<string, readonly string[]>> = {
  hono: ["app", "admin", "http", "create-worker", "index", "dev", "resource-server"],
  "@hono/node-server": ["platform/node"],
  undici: ["platform/node"],
  "@opentelemetry/api": ["steps", "app", "http"],
  "sonic-boom": ["platform/node"],
  "pino-pretty": ["platform/node"],
  "prom-client": ["platform/node"],
  "rate-limiter-flexible": ["platform/node"],
  "node:": ["platform/node", "node", "index", "processes", "commands", "command-line", "cli"],
  zod: ["config", "oauth", "nextauth"],
  yaml: ["config"],
  "fastest-levenshtein": ["config"],
  jose: ["oauth", "dev", "commands", "resource-server", "status"],
  commander: ["command-line"],
};

/** Rooms that may reach for what is global; all others are given it. */
const HOST_ROOMS = [
  "platform/node",
  "platform/worker",
  "create-worker",
  "index",
  "processes",
  "commands",
  "command-line",
  "dev",
  "resource-server",
];
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

function roomOf(file: string): string {
  const parts = file.split("/").slice(1);
  if (parts.length === 1) return (parts[0] as string).replace(/(?:\.d)?\.ts$/, "");
  return parts[0] === "platform" ? parts.slice(0, 2).join("/") : (parts[0] as string);
}

function mayImport(from: string, to: string): boolean {
  return LEAFS[from]?.includes(to) ?? (to in LEAFS || MAY_IMPORT[from]?.includes(to) === true);
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
        .filter((name) => !PACKAGE_ROOMS[name]?.includes(room))
        .map((name) => `${file} imports ${name}`),
    );
    expect(wrong).toEqual([]);
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
      .filter(({ room }) => !HOST_ROOMS.includes(room))
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
