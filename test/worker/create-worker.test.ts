// A Worker refuses a faulty file at once, and says only in its log which secret is missing.

import { sign as signWith } from "node:crypto";
import { importJWK, jwtVerify } from "jose";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ConfigError } from "../../src/core/errors.ts";
import { createWorker } from "../../src/worker/create-worker.ts";
import { call, TOKEN, TOKEN_ENDPOINT } from "../support/app.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { makeKey } from "../support/keys.ts";

const FILE = JSON.stringify(fileConfig(TOKEN_ENDPOINT));
const CANARY = "Zq7xWv4kPj";

const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  for (const level of ["error", "warn", "info"] as const) {
    vi.spyOn(console, level).mockImplementation((...values) => void printed.push(values.join(" ")));
  }
  vi.stubGlobal("fetch", async () => new Response(TOKEN, { headers: { "content-type": "application/json" } }));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

it("throws at once for a faulty file", () => {
  expect(() => createWorker("version: 1")).toThrow(ConfigError);
});

it("answers 500 and logs the fault if a secret is missing, until it is there", async () => {
  const worker = createWorker(FILE);
  const answer = await worker.fetch(call(), { APIKEY: SECRETS.APIKEY });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([500, "no-store"]);
  expect(await answer.json()).toMatchObject({
    error: "server_error",
    error_code: "internal",
    error_description: "the Worker cannot start: its log says why",
  });
  const fault = '"providers.main.client_secret" refers to the binding CLIENT_SECRET, which is not set';
  expect(printed).toEqual([expect.stringContaining(fault)]);
  const token = await worker.fetch(call(), SECRETS);
  expect([token.status, await token.text()]).toEqual([200, TOKEN]);
  expect((await worker.fetch(new Request("https://proxy.example/healthz"), SECRETS)).status).toBe(200);
});

it("answers 500 without the message of any other error", async () => {
  const env = new Proxy(SECRETS, {
    get() {
      throw new TypeError(CANARY);
    },
  });
  const answer = await createWorker(FILE).fetch(call(), env);
  expect(answer.status).toBe(500);
  expect(printed).toEqual(["the Worker cannot start because of a bug: please report it"]);
  expect(await answer.text()).not.toContain(CANARY);
});

it("signs with the Signers that its program makes of the bindings", async () => {
  const { pem, jwk } = await makeKey("ES256");
  const signing = { keys: [{ kid: "kms", alg: "ES256", private_key: "signer" }], issuer: "https://tokens.example" };
  const provider = { params: { user: "{{jwt.user}}" }, jwt: { user: {} } };
  const signers = (env: Readonly<Record<string, unknown>>) => [
    {
      alg: "ES256" as const,
      kid: "kms",
      publicJwk: jwk,
      sign: async (bytes: Uint8Array) => signWith("sha256", bytes, { key: String(env.PEM), dsaEncoding: "ieee-p1363" }),
    },
  ];
  const sent: URLSearchParams[] = [];
  vi.stubGlobal("fetch", async (_url: string, { body }: { body: string }) => {
    sent.push(new URLSearchParams(body));
    return new Response(TOKEN, { headers: { "content-type": "application/json" } });
  });
  const text = JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider, file: { signing } }));
  const answer = await createWorker(text, { signers }).fetch(call(), { ...SECRETS, PEM: pem });
  expect([answer.status, printed.filter((line) => line.includes("error"))]).toEqual([200, []]);
  const { d: _private, ...publicJwk } = jwk;
  const verified = await jwtVerify(sent[0]?.get("user") ?? "", await importJWK(publicJwk, "ES256"));
  expect(verified.payload.sub).toBe("alice");
});

it("has no files, so a client assertion in a file is a fault", async () => {
  const provider = {
    token_endpoint_auth_method: "private_key_jwt",
    client_secret: undefined,
    client_assertion: { file: "/run/token", aud: "https://idp.example" },
  };
  const worker = createWorker(JSON.stringify(fileConfig(TOKEN_ENDPOINT, { provider })));
  expect((await worker.fetch(call(), SECRETS)).status).toBe(500);
  expect(printed).toEqual([
    expect.stringContaining(
      '"providers.main.client_assertion.file" is for Node, because Workers have no files: use client_key',
    ),
  ]);
});
