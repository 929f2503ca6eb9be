#!/usr/bin/env -S node --
// The entry of the command line. First has Node keep what it makes of the sources, which else is half of every start.

import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// Beside the code, since whoever can write there can change the code itself; where nothing can be written, nothing is kept. Node's own
// folder for it is one that other users may write to.
enableCompileCache(fileURLToPath(new URL("../.compile-cache", import.meta.url)));

// V8 may decide that what a call makes at some place lives long, since calls that wait for a provider do while its young collections are
// still small, and then puts it where only a full collection looks, with all that hangs on it: of every call 3 kB, a quarter more memory
// and collections that take twice as long. Which place that is changes with every change of the code. Documented as to be set with
// care: V8 asks for this one where it decides, and nothing is decided yet.
setFlagsFromString("--no-allocation-site-pretenuring");

// Of a SIGHUP that comes before a service has handlers of its own (commands/signals.ts) Node would end: a reload ends nothing.
process.on("SIGHUP", () => {});

await import("./command-line.ts");
