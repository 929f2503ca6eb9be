// Runs a command in the process of the test, which takes milliseconds; a process of its own takes a
// second on a busy machine.

import { vi } from "vitest";
import { runCommandLine } from "../../src/cli/command-line.ts";

export interface Ran {
  status: number | undefined;
  out: string;
  err: string;
}

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** @param cwd where the command finds its files */
export async function runCommand(
  args: string[],
  { cwd = process.cwd(), env = {} }: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  const before = process.cwd();
  const handlers = SIGNALS.map((signal) => process.listeners(signal));
  let out = "";
  let err = "";
  const spies = [
    vi.spyOn(console, "log").mockImplementation((text) => {
      out += `${text}\n`;
    }),
    vi.spyOn(console, "error").mockImplementation((text) => {
      err += `${text}\n`;
    }),
    vi.spyOn(process.stdout, "write").mockImplementation((chunk, ...rest) => {
      out += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
      const done = rest.at(-1);
      if (typeof done === "function") done();
      return true;
    }),
  ];
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  process.chdir(cwd);
  try {
    const status = await runCommandLine(args);
    return { status, out, err };
  } finally {
    process.chdir(before);
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
    for (const [index, signal] of SIGNALS.entries()) {
      for (const added of process.listeners(signal)) {
        if (!handlers[index]?.includes(added)) process.off(signal, added);
      }
    }
  }
}
