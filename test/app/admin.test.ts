// The admin listener says that the process lives, and whether calls can be served.

import { describe, expect, it } from "vitest";
import { createAdminApp } from "../../src/admin.ts";
import type { Providers } from "../../src/app.ts";
import type { Provider } from "../../src/oauth/provider.ts";

type State = { ready: true } | { ready: false; problem: string };

function providers(states: Record<string, State | undefined>): Providers {
  return new Map(
    Object.entries(states).map(([name, state]) => [
      name,
      { name, discovery: state === undefined ? undefined : { state: () => state } } as unknown as Provider,
    ]),
  );
}

async function ask(path: string, states: Record<string, State | undefined>, draining = false) {
  const answer = await createAdminApp(
    () => providers(states),
    () => draining,
  ).request(path);
  return { status: answer.status, cache: answer.headers.get("cache-control"), body: await answer.text() };
}

const NOT_READY: State = { ready: false, problem: 'the provider "providers.b" cannot be reached' };

describe("liveness", () => {
  it.each([
    [{ a: NOT_READY }, false],
    [{ a: { ready: true } as const }, true],
  ])("is told whatever the providers and the drain are like", async (states, draining) => {
    expect(await ask("/healthz", states, draining)).toEqual({
      status: 200,
      cache: "no-store",
      body: '{"status":"ok"}',
    });
  });
});

describe("readiness", () => {
  it("is there when every provider has what it needs", async () => {
    expect(await ask("/readyz", { a: { ready: true }, b: undefined })).toEqual({
      status: 200,
      cache: "no-store",
      body: '{"status":"ready","providers":{"a":{"ready":true},"b":{"ready":true}}}',
    });
  });

  it("is not there while one provider lacks its metadata, and the problem is told", async () => {
    const { status, body } = await ask("/readyz", { a: { ready: true }, b: NOT_READY });
    expect(status).toBe(503);
    expect(JSON.parse(body)).toEqual({ status: "not ready", providers: { a: { ready: true }, b: NOT_READY } });
  });

  it("is not there during shutdown", async () => {
    const { status, body } = await ask("/readyz", { a: { ready: true } }, true);
    expect(status).toBe(503);
    expect(JSON.parse(body)).toMatchObject({ status: "shutting down" });
  });
});

it("nothing else is there, getToken least of all", async () => {
  for (const path of ["/", "/getToken", "/healthz/"]) {
    expect(await ask(path, {}), path).toMatchObject({ status: 404, cache: "no-store" });
  }
});
