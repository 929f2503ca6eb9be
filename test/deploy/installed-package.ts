// Packs the sources, and installs the package in a project with only its dependencies.

import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What npm and the build need. */
const SOURCES = [
  ...["src", "package.json", "tsconfig.json", "tsconfig.build.json", "bundle.ts", "token-proxy.schema.json"],
  ...["README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"],
  ...["deploy", "docs", "bench/README.md", "bench/results.json", "examples"],
];

export interface InstalledPackage {
  /** Path of the tarball that would be published. */
  tarball: string;
  /** Paths in the package. */
  contents: string[];
  /** Where it is unpacked. */
  package: string;
  /** The folder of the project that uses it. */
  project: string;
  remove(): Promise<void>;
}

export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), "token-proxy-package-"));
  const tarball = await pack(folder);
  const project = join(folder, "project");
  const installed = join(project, "node_modules/nextauth-token-proxy");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  await linkDependencies(installed, project);
  await writeFile(join(project, "package.json"), '{ "type": "module" }');
  const contents = (await readdir(installed, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));
  return { tarball, contents, package: installed, project, remove: () => rm(folder, { recursive: true, force: true }) };
}

/**
 * Packs a copy, because the build first empties its folder while other tests run.
 * @returns the path of the tarball
 */
export async function pack(folder: string): Promise<string> {
  const copy = join(folder, "copy");
  for (const source of SOURCES) await cp(source, join(copy, source), { recursive: true });
  await symlink(resolve("node_modules"), join(copy, "node_modules"));
  await run("npm", ["pack", "--offline", "--no-update-notifier", "--pack-destination", folder], { cwd: copy });
  const packed = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  if (packed.length !== 1) throw new Error(`npm pack made ${packed.length} tarballs`);
  return join(folder, packed[0] as string);
}

/** Those of this checkout, so that nothing is fetched. */
async function linkDependencies(installed: string, project: string): Promise<void> {
  const { dependencies } = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  for (const name of [...Object.keys(dependencies), "@types/node"]) {
    const link = join(project, "node_modules", name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(resolve("node_modules", name), link);
  }
}
