#!/usr/bin/env -S node --
// Starts the command line, or names the Node version that it needs. Plain JavaScript without
// imports or top-level await, so that every old version can run it; src/cli.ts is TypeScript.

const NEEDED = [22, 19]; // "engines" in package.json
const [major, minor] = process.versions.node.split(".").map(Number);

if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  import("./cli.ts");
} else {
  console.error(
    `nextauth-token-proxy needs Node ${NEEDED.join(".")} or later, but this is Node ${process.versions.node}: install a newer version from https://nodejs.org. In a checkout, "npm ci" without --omit=dev installs the project's own Node, which "npx node -- src/launch.js" uses.`,
  );
  process.exitCode = 2;
}
