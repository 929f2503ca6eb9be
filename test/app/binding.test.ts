// The binding moves getToken to where the nextAuth Server calls it, and the health to where a Worker has it.

import { describe, expect, it } from "vitest";
import { buildApp, call, whole } from "./build-app.ts";

describe("getToken", () => {
  it.each(["/getToken", "/getToken?a=b", "/getToken?", "/getToken?/healthz"])(
    "is at its path, whatever the query: %s",
    async (path) => {
      const { app } = await buildApp();
      expect((await app.request(call({ path }))).status).toBe(200);
    },
  );

  it.each(["/api/v1.0/get-token", "/getToken/", "/a~b_c"])("can be at %s", async (path) => {
    const { app } = await buildApp({ file: { get_token: { path } } });
    expect((await app.request(call({ path }))).status).toBe(200);
    expect((await app.request(call({ path: `${path}x` }))).status).toBe(404);
    expect((await app.request(call({ path: path.replace(/[._]/, "x") }))).status).toBe(/[._]/.test(path) ? 404 : 200);
  });
});

describe("the health", () => {
  it("is answered without a key where the app has it", async () => {
    const { app, lines } = await buildApp({ health: true });
    const answer = await whole(await app.request("http://proxy.example/healthz"));
    expect(answer).toMatchObject({ status: 200, headers: { "cache-control": "no-store" }, body: '{"status":"ok"}' });
    expect(lines).toEqual([]);
  });

  it("lets nobody in to getToken", async () => {
    const { app } = await buildApp({ health: true });
    for (const path of ["/healthz/", "/healthz/getToken", "//healthz", "/%68ealthz"]) {
      expect((await app.request(call({ path }))).status, path).toBe(404);
    }
    expect((await app.request(call({ headers: { "x-apikey": undefined } }))).status).toBe(401);
  });
});
