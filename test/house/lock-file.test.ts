// Every package that npm installs is pinned by its hash, the Node of this project included.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Package {
  version?: string;
  integrity?: string;
  link?: boolean;
  resolved?: string;
}

const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, Package> };
const installed = Object.entries(packages).filter(([path, { link }]) => path.startsWith("node_modules/") && !link);

it("has the hash of every package, also of those for other platforms", () => {
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { integrity }]) => !integrity?.startsWith("sha512-")).map(([path]) => path)).toEqual([]);
});

it("has no download addresses", () => {
  expect(installed.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([]);
});

it("pins a Node binary for each common platform", () => {
  const binaries = Object.keys(JSON.parse(readFileSync("tools/node/package.json", "utf8")).optionalDependencies);
  expect(binaries).toHaveLength(5);
  for (const name of binaries) expect(packages[`node_modules/${name}`]?.version).toMatch(/^24\./);
});
