// The entry point of the command line. src/launch.js checks the Node version before it loads this.

import { enableCompileCache, findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

// The cache halves the start. Other users could plant code in Node's default folder, so use ours.
enableCompileCache(join(dirname(findPackageJSON(import.meta.url) as string), ".compile-cache"));

// A SIGHUP that arrives before the service is ready must not end the process.
process.on("SIGHUP", () => {});

const { endOnCrash, runCommandLine } = await import("./cli/command-line.ts");
endOnCrash();
process.exitCode = await runCommandLine(process.argv.slice(2));
