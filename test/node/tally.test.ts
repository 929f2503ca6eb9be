// A histogram of our own, told as Prometheus has it.

import { Histogram, Registry } from "prom-client";
import { expect, it } from "vitest";
import { Distribution, registerSamples } from "../../src/node/tally.ts";

const BOUNDS = [0.001, 0.01, 0.1];
/** At a bound, between, below the first and above the last. */
const SECONDS = [0, 0.0005, 0.001, 0.0011, 0.01, 0.05, 0.1, 0.2, 30];

it("is told as prom-client tells its own of the same observations", async () => {
  const theirs = new Registry();
  const histogram = new Histogram({
    ...{ name: "h_seconds", help: "A help.", labelNames: ["a"], buckets: BOUNDS, registers: [theirs] },
  });
  const distribution = new Distribution(BOUNDS);
  for (const seconds of SECONDS) {
    histogram.observe({ a: "x" }, seconds);
    distribution.observe(seconds * 1000);
  }
  const ours = new Registry();
  registerSamples(ours, { name: "h_seconds", help: "A help.", type: "histogram" }, (name) =>
    distribution.samples(name, { a: "x" }),
  );
  const lines = async (registry: Registry) => (await registry.metrics()).replaceAll('le="', "").split("\n").toSorted();
  const unordered = (all: string[]) =>
    all.map((line) =>
      line
        .split(/[{},"]+/)
        .toSorted()
        .join(" "),
    );
  expect(unordered(await lines(ours))).toEqual(unordered(await lines(theirs)));
});

it("tells nothing before the first observation, and takes what was not measured for none", () => {
  const distribution = new Distribution(BOUNDS);
  distribution.observe(undefined);
  expect(distribution.samples("h", {})).toEqual([]);
});
