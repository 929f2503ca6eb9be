// Bundles the command line of the published package, with the licences of everything in it. Loading hundreds of
// files would double the time and CPU of a start.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

const OUT = "dist";

const { metafile } = await build({
  entryPoints: [{ in: "src/launch.js", out: "cli" }],
  outdir: OUT,
  chunkNames: "cli/chunks/[name]-[hash]",
  bundle: true,
  splitting: true, // each command loads its own part
  platform: "node",
  format: "esm",
  target: "node22.19",
  // Packages in CommonJS call require() for Node's modules, and an ES module has none.
  banner: {
    js: `import { createRequire as $createRequire } from "node:module"; const require = $createRequire(import.meta.url);`,
  },
  legalComments: "none", // all licences are in one file
  metafile: true,
  logLevel: "warning",
});
writeFileSync(join(OUT, "THIRD-PARTY-LICENSES.txt"), licences(bundledFolders(metafile)));

/** @returns the folders of the packages with code in the bundle */
function bundledFolders({ outputs }: Metafile): string[] {
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const folders = inputs.flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []);
  return [...new Set(folders)].sort();
}

function licences(folders: readonly string[]): string {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)(?:\.\w+)?$/i.test(entry));
    if (file === undefined) throw new Error(`${folder} has no licence file: find it before you publish the package`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  const head = `The command line (${OUT}/cli.js and the files it loads) contains these packages.\n`;
  return [head, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}
