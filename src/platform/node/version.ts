// The version of this package, as package.json has it.

import { readFileSync } from "node:fs";

/** It stands two folders above in the sources and in what is built of them alike. */
const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");

export const packageVersion: string = JSON.parse(text).version;
