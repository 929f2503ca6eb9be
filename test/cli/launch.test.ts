// The launcher: an old Node gets one line with the version it needs, a new one gets the command
// line.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };

/** Runs the launcher in a process that takes itself for another version of Node. */
function launchOn(node: string, args: string[]): Promise<{ status: unknown; out: string; err: string }> {
  const versions = `{ ...process.versions, node: ${JSON.stringify(node)} }`;
  const preload = `data:text/javascript,Object.defineProperty(process, "versions", { value: ${versions} })`;
  return new Promise((done) => {
    execFile(process.execPath, ["--import", preload, "--", "src/launch.js", ...args], (error, out, err) =>
      done({ status: error === null ? 0 : error.code, out, err }),
    );
  });
}

describe("the launcher", () => {
  it.each(["20.20.2", "22.18.0"])("refuses Node %s in one line", async (node) => {
    expect(await launchOn(node, ["--version"])).toEqual({
      status: 2,
      out: "",
      err: `nextauth-token-proxy needs Node 22.19 or later, but this is Node ${node}: install a newer version from https://nodejs.org. In a checkout, "npm ci" without --omit=dev installs the project's own Node, which "npx node -- src/launch.js" uses.\n`,
    });
  });

  it("runs the command line on Node 22.19.0", async () => {
    expect(await launchOn("22.19.0", ["--version"])).toEqual({ status: 0, out: `${packageJson.version}\n`, err: "" });
  });

  it("needs the version of package.json, and npm start runs it", () => {
    expect(packageJson.engines.node).toBe(">=22.19");
    expect(packageJson.scripts.start).toBe("node -- src/launch.js dev");
  });

  it("comes with an .npmrc that keeps npm ci on an old Node free of warnings about engines", () => {
    expect(readFileSync(".npmrc", "utf8")).toMatch(/^loglevel=error$/m);
  });
});
