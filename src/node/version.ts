// The version of this package.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Searched upwards from this file, so it works in the sources and in the bundle. */
const path = findPackageJSON(import.meta.url) as string;

export const packageVersion: string = JSON.parse(readFileSync(path, "utf8")).version;
