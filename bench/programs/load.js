// The load generator. It receives an order, sends calls for some seconds, and reports the results.
// It compares the bytes of every answer.

import { once } from "node:events";
import { Worker } from "node:worker_threads";
import autocannon from "autocannon";
import { Pool } from "undici";

const TIMEOUT_SECONDS = 10;
/** More than are ever open at once, so that no call waits for a connection. */
const MAX_CONNECTIONS = 1_024;

/** Reused by the next order for the same server, whose connections are then open already. */
let kept = { origin: "", pool: undefined };

process.on("message", async (order) => {
  const { times, ...result } = order.rate === undefined ? await sendClosedLoop(order) : await sendOpenLoop(order);
  times.sort((a, b) => a - b);
  const percentile = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  process.send({ ...result, calls: times.length, p50: percentile(0.5), p99: percentile(0.99) });
});
process.on("disconnect", () => process.exit());
process.send("ready");

async function sendClosedLoop({ url, headers, body, connections, seconds, expected }) {
  const times = [];
  const run = autocannon({
    url,
    method: "POST",
    headers,
    body,
    connections,
    duration: seconds,
    expectBody: expected,
    timeout: TIMEOUT_SECONDS,
  });
  const startedAt = performance.now();
  let endedAt = startedAt;
  run.on("response", (_client, _status, _bytes, milliseconds) => {
    times.push(milliseconds);
    endedAt = performance.now();
  });
  const { errors, timeouts, non2xx, mismatches } = await run;
  return { times, seconds: (endedAt - startedAt) / 1_000, failed: { errors, timeouts, non2xx, mismatches } };
}

async function sendOpenLoop({ url, headers, body, rate, seed, seconds, expected }) {
  const { origin, pathname: path } = new URL(url);
  const pool = await openPool(origin);
  const times = [];
  const failed = { errors: 0, non2xx: 0, mismatches: 0 };
  const call = async (dueAt) => {
    try {
      const answer = await pool.request({ path, method: "POST", headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) failed.non2xx++;
      else if (text !== expected) failed.mismatches++;
      else times.push(Number(process.hrtime.bigint() - dueAt) / 1e6);
    } catch {
      failed.errors++;
    }
  };
  const calls = [];
  const arrivals = new Worker(new URL("arrivals.js", import.meta.url), { workerData: { rate, seconds, seed } });
  arrivals.on("message", (dueAt) => calls.push(call(dueAt)));
  await once(arrivals, "exit");
  await Promise.all(calls);
  return { times, seconds, failed };
}

async function openPool(origin) {
  if (kept.origin !== origin) {
    await kept.pool?.destroy();
    const timeout = TIMEOUT_SECONDS * 1_000;
    const pool = new Pool(origin, { connections: MAX_CONNECTIONS, headersTimeout: timeout, bodyTimeout: timeout });
    kept = { origin, pool };
  }
  return kept.pool;
}
