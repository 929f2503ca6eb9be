// Makes the command line of the package that is published: few files, since finding and reading hundreds is most of a start; and the
// licences of whatever is in them.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile, type Plugin } from "esbuild";

const OUT = "dist";

/**
 * An import of a module of Node's reads all that it exports, and of `node:http` a getter is among that, which loads a fetch that nobody
 * here uses: a sixth of the start. So its modules are asked for without an import.
 */
const builtinsWithoutImport: Plugin = {
  name: "builtins-without-import",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: "builtin" }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

const { metafile } = await build({
  entryPoints: ["src/cli.ts"],
  outdir: OUT,
  // As deep as src/platform/node, from where the version of the package is looked up.
  chunkNames: "cli/chunks/[name]-[hash]",
  bundle: true,
  plugins: [builtinsWithoutImport],
  external: ["pino-pretty"], // for terminals alone; and of CommonJS that is imported late, esbuild makes a default export without names
  splitting: true, // each command loads its own part
  platform: "node",
  format: "esm",
  target: "node22.19",
  // Packages in CommonJS ask for Node's modules so.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  legalComments: "none", // all licences are in one file
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
