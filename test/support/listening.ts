// Waits until a program that a test has started listens.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** @throws {Error} with the program's output, if it ends or takes more than 20 s */
export async function listening(child: ChildProcess, port: number, output: () => string): Promise<void> {
  for (const until = Date.now() + 20_000; Date.now() < until && child.exitCode === null; await wait(20)) {
    const socket = connect(port, "127.0.0.1");
    const isUp = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
  }
  throw new Error(`${child.spawnfile} does not listen:\n${output()}`);
}
