// The entry point of the command line. In a checkout, src/launch.js loads it once it has checked the Node version.

import { enableCompileCache, findPackageJSON } from "node:module";
import { dirname, join } from "node:path";

// The cache halves the time of a start. Other users could plant code in Node's default folder, so it is next to the code.
enableCompileCache(join(dirname(findPackageJSON(import.meta.url) as string), ".compile-cache"));

// Without a handler, a SIGHUP before the service is ready would end the process instead of reloading.
process.on("SIGHUP", () => {});

const { endOnCrash, runCommandLine } = await import("./cli/command-line.ts");
endOnCrash();
process.exitCode = await runCommandLine(process.argv.slice(2));
