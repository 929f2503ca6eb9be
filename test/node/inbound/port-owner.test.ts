// The name of the program on a port, which any program can choose for itself.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { describeUse } from "../../../src/node/inbound/port-owner.ts";

const PROGRAM = `
process.title = "\\x1b[31mred";
const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port));`;

it.runIf(process.platform === "linux")("a program's name cannot control the terminal", async () => {
  const program = spawn(process.execPath, ["-e", PROGRAM], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await once(program.stdout, "data");
  const use = describeUse(Number(port));
  program.kill("SIGKILL");
  expect(use).toContain(`in use by "\\u{1b}[31mred" (process ${program.pid})`);
});
