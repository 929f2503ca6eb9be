import { configDefaults, defineConfig } from "vitest/config";

/** The same specs against each runtime, so that neither can drift from the other. */
const onRuntime = (runtime: "node" | "workerd") => ({
  test: {
    name: runtime,
    include: ["test/e2e/**/*.test.ts"],
    env: { RUNTIME: runtime },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: [runtime === "workerd" ? "test/support/build-worker.ts" : "test/support/build-cli.ts"],
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2, // most tests wait more than they compute
    expect: { poll: { timeout: 15_000 } }, // a busy machine must not make a test fail
    projects: [
      { test: { name: "house", include: ["test/house/**/*.test.ts"] } },
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, "test/house/**", "test/e2e/**"],
          globalSetup: ["test/support/build-cli.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      onRuntime("node"),
      onRuntime("workerd"),
    ],
  },
});
