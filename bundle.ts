// Makes the command line of the package that is published: few files, since finding and reading hundreds is most of a start; and the
// licences of whatever is in them.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

const OUT = "dist";

/**
 * An import of a module of Node's reads all that it exports, and of `node:http` a getter is among that, which loads a fetch that nobody
 * here uses: a sixth of the start. So its modules are asked for without an import, and of each only what is used is read.
 */
const builtinsWithoutImport: Plugin = {
  name: "builtins-without-import",
  setup({ onResolve, onLoad }) {
    // Some packages in CommonJS ask for them without "node:".
    onResolve({ filter: /^[\w/:]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined;
      const namespace = kind === "require-call" ? "required-builtin" : "builtin";
      return { path: path.replace(/^(?:node:)?/, "node:"), namespace, sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: "required-builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => {
      const names = Object.keys(process.getBuiltinModule(path) as object).filter((name) => /^[\w$]+$/.test(name));
      return {
        contents: [
          `const $builtin = process.getBuiltinModule(${JSON.stringify(path)});`,
          "export default $builtin;",
          "const $read = (name) => $builtin[name];",
          ...names.map((name) => `export const ${name} = /* @__PURE__ */ $read("${name}");`),
        ].join("\n"),
      };
    });
  },
};

/** Packages in CommonJS are bundled whole. Of these, what is used of them: a sixth of the start, 7 MB of memory. */
const LEAN: Readonly<Record<string, string>> = {
  // Without fetch, WebSocket, caches and mocks.
  undici: `
    export { default as Agent } from "undici/lib/dispatcher/agent.js";
    export { default as Client } from "undici/lib/dispatcher/client.js";
    export { default as Pool } from "undici/lib/dispatcher/pool.js";
    export { default as buildConnector } from "undici/lib/core/connect.js";`,
  // Without summaries and the gateway that is pushed to.
  "prom-client": `
    export { default as AggregatorRegistry } from "prom-client/lib/cluster.js";
    export { default as Counter } from "prom-client/lib/counter.js";
    export { default as Gauge } from "prom-client/lib/gauge.js";
    export { default as Registry } from "prom-client/lib/registry.js";
    export { default as collectDefaultMetrics } from "prom-client/lib/defaultMetrics.js";`,
  // Without those that count in databases.
  "rate-limiter-flexible": `
    export { default as RateLimiterMemory } from "rate-limiter-flexible/lib/RateLimiterMemory.js";
    export { default as RateLimiterRes } from "rate-limiter-flexible/lib/RateLimiterRes.js";`,
};

const leanPackages: Plugin = {
  name: "lean-packages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[\w-]+$/ }, ({ path }) => {
      if (!Object.hasOwn(LEAN, path)) return undefined;
      return { path, namespace: "lean", sideEffects: false };
    });
    onLoad({ filter: /.*/, namespace: "lean" }, ({ path }) => ({ contents: LEAN[path] as string, resolveDir: "." }));
  },
};

const { metafile } = await build({
  entryPoints: [{ in: "src/launch.js", out: "cli" }],
  outdir: OUT,
  chunkNames: "cli/chunks/[name]-[hash]",
  bundle: true,
  plugins: [builtinsWithoutImport, leanPackages],
  external: ["pino-pretty"], // for terminals alone; and of CommonJS that is imported late, esbuild makes a default export without names
  splitting: true, // each command loads its own part
  platform: "node",
  format: "esm",
  target: "node22.19",
  legalComments: "none", // all licences are in one file
  define: { esbuildDetection: "true" }, // as undici is bundled into Node: without an experimental parser
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(OUT, "THIRD-PARTY-LICENSES.txt"), licences(bundledFolders(metafile)));

/** The folders of the packages that something of is in the output. */
function bundledFolders({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const folders = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []);
  return [...new Set(folders)].sort();
}

function licences(folders: readonly string[]): string {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)(?:\.\w+)?$/i.test(entry));
    if (file === undefined) throw new Error(`no licence is in ${folder}: find it, before anything of it is published`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  const head = `The command line (${OUT}/cli.js and what it loads) has these packages in it.\n`;
  return [head, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}
