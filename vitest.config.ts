import { configDefaults, defineConfig } from "vitest/config";

const isSlow = process.env.SOAK === "1";
/** Only with SOAK=1, which is `npm run test:soak`: npm, a browser, many reloads. */
const SLOW = [
  ...["test/cli/npx.test.ts", "test/deploy/docker.test.ts", "test/deploy/package.test.ts", "test/soak/*.test.ts"],
  ...["test/node/admin/status-page-browser.test.ts", "test/faults/reload-leftovers.test.ts"],
];
/** They do more with SOAK=1. */
const LONGER = [
  ...["test/fuzz/*.test.ts", "test/deploy/wrangler.test.ts"],
  ...["test/faults/inbound-bounds.test.ts", "test/faults/shifted-answers.test.ts"],
];

/** Of every project: the time limits are for a machine that is busy otherwise, and never what a test is about. */
const common = {
  isolate: false, // loading every module anew for each file would take a third of all the time
  setupFiles: ["test/support/clean-up.ts"],
  testTimeout: isSlow ? 1_200_000 : 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 15_000 } },
};

/** The same specs against each runtime, so that neither can drift from the other. */
const onRuntime = (runtime: "node" | "workerd") => ({
  test: {
    ...common,
    name: runtime,
    include: [isSlow ? "test/e2e/isolation.test.ts" : "test/e2e/**/*.test.ts"],
    env: { RUNTIME: runtime },
    globalSetup: [runtime === "workerd" ? "test/support/build-worker.ts" : "test/support/build-cli.ts"],
  },
});

export default defineConfig({
  test: {
    maxWorkers: 4, // of 2 cores, because many tests wait
    projects: [
      { test: { name: "house", include: ["test/house/**/*.test.ts"] } },
      {
        test: {
          ...common,
          name: "unit",
          include: isSlow ? [...SLOW, ...LONGER] : ["test/**/*.test.ts"],
          exclude: [
            ...configDefaults.exclude,
            ...["test/house/**", "test/e2e/**", "test/providers/**"],
            ...(isSlow ? [] : SLOW),
          ],
          globalSetup: ["test/support/build-cli.ts"],
        },
      },
      {
        test: {
          ...common,
          name: "providers",
          include: ["test/providers/**/*.test.ts"],
          globalSetup: ["test/support/build-cli.ts", "test/support/build-worker.ts"],
          hookTimeout: 1_500_000, // the start of a server
          testTimeout: 900_000,
          disableConsoleIntercept: true,
        },
      },
      onRuntime("node"),
      onRuntime("workerd"),
    ],
  },
});
