// The load, a process of its own: waits for an order, sends calls for so long, tells what came back. Every answer's bytes are compared.

import autocannon from "autocannon";

process.on("message", async ({ url, headers, body, connections, seconds, expected }) => {
  const times = [];
  const run = autocannon({
    url,
    method: "POST",
    headers,
    body,
    connections,
    duration: seconds,
    expectBody: expected,
    timeout: 10,
  });
  const startedAt = performance.now();
  let endedAt = startedAt;
  run.on("response", (_client, _status, _bytes, milliseconds) => {
    times.push(milliseconds);
    endedAt = performance.now();
  });
  const { errors, timeouts, non2xx, mismatches } = await run;
  times.sort((a, b) => a - b);
  const percentile = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  process.send({
    calls: times.length,
    seconds: (endedAt - startedAt) / 1000,
    p50: percentile(0.5),
    p99: percentile(0.99),
    failed: { errors, timeouts, non2xx, mismatches },
  });
});
process.on("disconnect", () => process.exit());
process.send("ready");
