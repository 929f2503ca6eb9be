// The clock of the open loop: posts the time of each Poisson arrival when it is due.
// It is a thread that blocks until then, because timers of the event loop are only exact to 1 ms.

import { createHash } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";

const { rate, seconds, seed } = workerData;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const startedAt = process.hrtime.bigint();

let due = 0; // seconds after the start
for (let index = 0; ; index++) {
  due += -Math.log(1 - random(index)) / rate;
  if (due > seconds) break;
  const dueAt = startedAt + BigInt(Math.round(due * 1e9));
  const waitMs = Number(dueAt - process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(sleeper, 0, 0, waitMs);
  parentPort.postMessage(dueAt);
}

/** From 0 up to, not including, 1. The same seed gives the same arrivals to every variant. */
function random(index) {
  const hash = createHash("sha256").update(`${seed} ${index}`).digest();
  return hash.readUInt32BE() / 2 ** 32;
}
