// The version of this package.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Found from here upwards, so that it works for the sources and for the bundle. */
const path = findPackageJSON(import.meta.url) as string;

export const packageVersion: string = JSON.parse(readFileSync(path, "utf8")).version;
