#!/usr/bin/env -S node --
// The entry of the command line. First has Node keep what it makes of the sources, which else is half of every start.

import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// Beside the code, since whoever can write there can change the code itself; where nothing can be written, nothing is kept. Node's own
// folder for it is one that other users may write to.
enableCompileCache(fileURLToPath(new URL("../.compile-cache", import.meta.url)));

// Of a SIGHUP that comes before a service has handlers of its own (commands/signals.ts) Node would end: a reload ends nothing.
process.on("SIGHUP", () => {});

await import("./cli/command-line.ts");
