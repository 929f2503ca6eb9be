// A Worker refuses a faulty file before it can be deployed, and says in its log alone which secret it lacks.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import { createWorker } from "../../src/worker/create-worker.ts";
import { call, TOKEN, TOKEN_ENDPOINT } from "../app/build-app.ts";
import { fileConfig, SECRETS } from "../support/config.ts";

const FILE = JSON.stringify(fileConfig(TOKEN_ENDPOINT));
const CANARY = "Zq7xWv4kPj";

const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  for (const level of ["error", "warn", "info"] as const) {
    vi.spyOn(console, level).mockImplementation(
      (...values: unknown[]) => void printed.push(values.map(String).join(" ")),
    );
  }
  vi.stubGlobal("fetch", async () => new Response(TOKEN, { headers: { "content-type": "application/json" } }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a Worker", () => {
  it("answers getToken with the provider's bytes, and its health", async () => {
    const worker = createWorker(FILE);
    const answer = await worker.fetch(call(), SECRETS);
    expect([answer.status, await answer.text()]).toEqual([200, TOKEN]);
    const health = await worker.fetch(new Request("https://proxy.example/healthz"), SECRETS);
    expect([health.status, await health.text()]).toEqual([200, '{"status":"ok"}']);
  });

  it("throws at once for a faulty file", () => {
    expect(() => createWorker("version: 1")).toThrow(ConfigError);
  });

  it("without a secret answers 500 and refers to the binding in its log, not to the caller", async () => {
    const worker = createWorker(FILE);
    const answer = await worker.fetch(call(), { APIKEY: SECRETS.APIKEY });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toMatchObject({
      error: "server_error",
      error_code: "internal",
      error_description: "the Worker's configuration is faulty: its log lists the faults",
    });
    expect(printed).toEqual([
      expect.stringMatching(
        /^token-proxy\.yaml:\d+:\d+ "providers\.main\.client_secret" refers to the binding CLIENT_SECRET, which is not set: run "wrangler secret put CLIENT_SECRET"$/,
      ),
    ]);
  });

  it("refuses a secret in a file, which Workers do not have", async () => {
    const provider = { client_secret: { file: "/run/secrets/s" } };
    const worker = createWorker(JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider })));
    expect((await worker.fetch(call(), SECRETS)).status).toBe(500);
    expect(printed.join()).toContain("refers to a file, which Workers do not have");
  });

  it("works as soon as its secrets are there", async () => {
    const worker = createWorker(FILE);
    expect((await worker.fetch(call(), {})).status).toBe(500);
    expect((await worker.fetch(call(), SECRETS)).status).toBe(200);
  });

  it("that cannot be built for another reason keeps the reason's words to itself", async () => {
    const env = new Proxy(SECRETS, {
      get() {
        throw new TypeError(CANARY);
      },
    });
    const answer = await createWorker(FILE).fetch(call(), env);
    expect(answer.status).toBe(500);
    expect(JSON.stringify([await answer.text(), printed])).not.toContain(CANARY);
  });
});
