// Answers that are judged by their status: no odd body changes that.

import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { type Response, respond } from "../support/recording-provider.ts";

const HTML = "<!doctype html>".padEnd(70_000, " ");

describe(`odd bodies on ${RUNTIME}`, () => {
  const proxy = useProxy({});

  it.each<[string, Response, string]>([
    ["a 429 with 70 kB of HTML", { status: 429, headers: { "Retry-After": "7" }, body: HTML }, "provider_busy"],
    [
      "a 503 with Retry-After and 70 kB of HTML",
      { status: 503, headers: { "Retry-After": "7" }, body: HTML },
      "provider_busy",
    ],
    ["a 302 with 70 kB of HTML", { status: 302, headers: { Location: "/" }, body: HTML }, "provider_redirected"],
    ["a 500 with 70 kB of HTML", { status: 500, body: HTML }, "provider_error"],
    [
      "a 429 with an unknown coding",
      { status: 429, headers: { "Content-Encoding": "compress" }, body: "x" },
      "provider_busy",
    ],
    [
      "a 401 that says gzip and is empty",
      { status: 401, headers: { "Content-Encoding": "gzip" } },
      "provider_rejected_proxy",
    ],
  ])("answers %s by its status", async (_, response, code) => {
    proxy.provider.answer = respond(response);
    const answer = await callGetToken(proxy.host.url);
    expect(answer.json().error_code).toBe(code);
    if (code === "provider_busy")
      expect(answer.headers["retry-after"]).toBe("Retry-After" in (response.headers ?? {}) ? "7" : "5");
    expect(proxy.provider.requests).toHaveLength(1);
  });

  it.runIf(RUNTIME === "node")("decodes gzip with identity beside it, on node", async () => {
    const token = '{"access_token":"t"}';
    proxy.provider.answer = respond({
      headers: { "Content-Type": "application/json", "Content-Encoding": "gzip, identity" },
      body: gzipSync(token),
    });
    expect((await callGetToken(proxy.host.url)).text).toBe(token);
  });

  it("is not held up by a Content-Type made to take an expression long", async () => {
    proxy.provider.answer = respond({
      headers: { "Content-Type": `a/b${"; ".repeat(40)}@,` },
      body: '{"access_token":"t"}',
    });
    const started = performance.now();
    const answer = await callGetToken(proxy.host.url);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(answer.headers["content-type"]).toBe("application/json");
  });
});
