// Signers passed to createApp: slow, failing and hanging ones, and what is published.

import { sign as signWith } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout } from "node:timers/promises";
import { type ServerType, serve } from "@hono/node-server";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { ConfigError, createApp, type Log, type Signer } from "../../src/index.ts";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { thrownBy } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const { pem, jwk } = await makeKey("ES256");
const signed = (bytes: Uint8Array) => signWith("sha256", bytes, { key: pem, dsaEncoding: "ieee-p1363" });

let provider: RecordingProvider;
let server: ServerType | undefined;
/** What the Signer does after the start. */
let sign: (bytes: Uint8Array) => Promise<Uint8Array>;
const lines: Record<string, unknown>[] = [];
const log: Log = (level, event, fields) => void lines.push({ level, event, ...fields });

beforeAll(async () => {
  provider = await startRecordingProvider();
});
beforeEach(() => {
  provider.answer = json('{"access_token":"t"}');
  provider.requests.length = 0;
  lines.length = 0;
});
afterEach(() => server?.close());
afterAll(() => provider?.close());

/** A proxy with two providers: calls with the serverid `plain` need no signature. */
async function start(get_token: object = {}, signers?: readonly Signer[]): Promise<string> {
  sign = async (bytes) => signed(bytes);
  const signer: Signer = { alg: "ES256", kid: "hsm", publicJwk: jwk, sign: (bytes) => sign(bytes) };
  const signing = { issuer: "http://127.0.0.1", keys: [{ kid: "hsm", alg: "ES256", private_key: "signer" }] };
  const providers = {
    main: providerConfig(provider.tokenEndpoint, { params: { user: "{{jwt.user}}" }, jwt: { user: {} } }),
    plain: providerConfig(provider.tokenEndpoint),
    chained: providerConfig(provider.tokenEndpoint, { params: { actor: "{{token.kept}}" } }),
    kept: providerConfig(provider.tokenEndpoint, {
      ...{ cache: true, timeout: "2s", params: { own: "{{jwt.own}}" } },
      jwt: { own: { claims: { sub: "{{client_id}}" } } },
    }),
  };
  const routes = [...["plain", "chained"].map((name) => ({ serverid: name, provider: name })), { provider: "main" }];
  const text = JSON.stringify(fileConfig("", { file: { signing, providers, routes, get_token } }));
  const app = await createApp(text, { env: SECRETS, signers: signers ?? [signer], log });
  server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("sign the JWTs, and their public keys are published", async () => {
  const url = await start();
  expect((await callGetToken(url)).status).toBe(200);
  const jwt = new URLSearchParams(provider.requests[0]?.body).get("user") ?? "";
  const keys = createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
  expect((await jwtVerify(jwt, keys)).payload.sub).toBe(CALL.userid);
  expect(await (await fetch(`${url}/.well-known/jwks.json`)).text()).not.toContain(jwk.d);
});

it("a slow one delays only the calls that wait for it", async () => {
  const url = await start();
  const pending: (() => void)[] = [];
  sign = (bytes) => new Promise((resolve) => pending.push(() => resolve(signed(bytes))));
  const slow = [callGetToken(url), callGetToken(url)];
  await expect.poll(() => pending).toHaveLength(2); // neither waits for the other
  expect((await callGetToken(url, { body: { ...CALL, serverid: "plain" } })).status).toBe(200);
  sign = async (bytes) => signed(bytes);
  expect((await callGetToken(url)).status).toBe(200);
  expect(provider.requests).toHaveLength(2);
  for (const finish of pending) finish();
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200]);
});

it("one that fails is signing_failed, for that call only; the log has the cause's name, not its words", async () => {
  const url = await start();
  sign = () => Promise.reject(Object.assign(new Error("canary-pin"), { code: "CKR_SESSION_CLOSED" }));
  const failed = await callGetToken(url);
  expect([failed.status, failed.json()]).toEqual([
    502,
    expect.objectContaining({
      error: "server_error",
      error_code: "signing_failed",
      error_description: 'the Signer of the key "hsm" failed',
    }),
  ]);
  expect(provider.requests).toHaveLength(0);
  sign = async (bytes) => signed(bytes);
  expect((await callGetToken(url)).status).toBe(200);
  await expect.poll(() => lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ level: "error", error_code: "signing_failed", cause: "CKR_SESSION_CLOSED" });
  expect(JSON.stringify(lines)).not.toContain("canary");
});

it("one that hangs ends with the call's time, and what it signs later is not sent", async () => {
  const url = await start({ timeout: "2s" });
  let finish = () => {};
  sign = (bytes) =>
    new Promise((resolve) => {
      finish = () => resolve(signed(bytes));
    });
  const answer = await callGetToken(url);
  expect([answer.status, answer.json()]).toEqual([
    504,
    expect.objectContaining({
      error_code: "call_deadline",
      error_description: "the call's time (get_token.timeout, 2 s) was used up by signing",
    }),
  ]);
  finish();
  expect((await callGetToken(url, { body: { ...CALL, serverid: "plain" } })).status).toBe(200);
  expect(provider.requests).toHaveLength(1);
});

it("one that hangs over a kept token holds up the calls for that provider's timeout only", async () => {
  const url = await start();
  const getToken = () => callGetToken(url, { body: { ...CALL, serverid: "chained" } });
  provider.answer = (socket, { body }) =>
    json(body.includes("own=") ? '{"access_token":"a-kept-token"}' : '{"access_token":"t"}')(socket, { body } as never);
  sign = () => new Promise(() => {});
  expect((await getToken()).json()).toMatchObject({
    error_code: "call_deadline",
    error_description: 'the call\'s time (providers.kept.timeout, 2 s) was used up by signing of "providers.kept"',
  });
  sign = async (bytes) => {
    await setTimeout(50);
    return signed(bytes);
  };
  expect((await getToken()).status).toBe(200);
});

it("without one for a key of the file, the file is refused", async () => {
  const error = await thrownBy(() => start({}, []));
  expect(error).toBeInstanceOf(ConfigError);
  expect(String(error)).toContain('"signing.keys[0].private_key" is signer, but no Signer has this kid');
});
