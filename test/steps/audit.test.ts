// Two audit lines per token: the intent before the token request, the result after the response.

import { SignJWT } from "jose";
import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { Inbound } from "../../src/core/inbound.ts";
import type { AuditLine } from "../../src/core/ports.ts";
import { TransportError } from "../../src/core/transport.ts";
import { workerInbound } from "../../src/worker/inbound.ts";
import { buildApp, call, TOKEN } from "../support/app.ts";
import { CALL } from "../support/call.ts";
import { response, sha256 } from "../support/fakes.ts";

const JWT = await new SignJWT({ aud: ["https://api.example", "other"], jti: "the-jti", exp: 1_893_456_000 })
  .setProtectedHeader({ alg: "HS256", kid: "the-kid" })
  .sign(new Uint8Array(32));

async function audited({ intentError, ...changes }: Parameters<typeof buildApp>[0] & { intentError?: Error } = {}) {
  const written: AuditLine[] = [];
  let end: (delivered: boolean) => void = () => {};
  const audit = {
    sha256,
    async intent(line: AuditLine) {
      if (intentError !== undefined) throw intentError;
      written.push(line);
    },
    result: (line: AuditLine) => void written.push(line),
  };
  const file = { log: { audit: { file: "audit.jsonl" }, identities: "plain" }, ...changes.file };
  const inbound: Inbound = {
    ...workerInbound,
    afterResponse(_request, _env, run) {
      const before = end;
      end = (delivered) => {
        before(delivered);
        run(delivered);
      };
    },
  };
  const built = await buildApp({ ...changes, file, deps: { audit, inbound } });
  /** Ends the response. */
  return { ...built, written, end: (delivered: boolean) => end(delivered) };
}

it("writes the intent before the token request, and the result once the response is sent", async () => {
  const scope = "openid accounts";
  const { app, written, end, upstream } = await audited({ provider: { scope } });
  const body = JSON.stringify({ access_token: JWT, scope: "openid" });
  let before: number | undefined;
  upstream.answer = () => {
    before = written.length;
    return response(200, body);
  };
  const { headers } = await app.request(call());
  const request_id = headers.get("x-request-id");
  expect(before).toBe(1);
  const { serverid, userid: user } = CALL;
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  const intent = {
    time,
    event: "token_intent",
    request_id,
    caller: "nextauth-server",
    provider: "main",
    serverid,
    user,
    scope,
  };
  expect(written).toEqual([intent]);

  end(true);
  expect(written).toEqual([
    intent,
    {
      ...{ time, event: "token_result", request_id, outcome: "token", delivered: true },
      ...{ scope: "openid", aud: ["https://api.example", "other"], jti: "the-jti", exp: 1_893_456_000, kid: "the-kid" },
      body_sha256: Buffer.from(await sha256(new TextEncoder().encode(body))).toString("hex"),
    },
  ]);
  expect(JSON.stringify(written)).not.toContain(JWT);
});

it("says that a response was not delivered", async () => {
  const { app, written, end } = await audited();
  await app.request(call());
  end(false);
  expect(written[1]).toMatchObject({ outcome: "token", delivered: false });
  expect(JSON.stringify(written)).not.toContain(JSON.parse(TOKEN).access_token);
});

it.each([
  ["a refusal", () => response(400, { error: "invalid_grant" }), { outcome: "refused" }],
  ["a failure", () => response(500, "down"), { outcome: "error", error_code: "provider_error" }],
] as const)("writes the result of %s", async (_name, answer, result) => {
  const { app, written, end, upstream } = await audited();
  upstream.answer = answer;
  await app.request(call());
  end(true);
  expect(written).toHaveLength(2);
  expect(written[1]).toMatchObject(result);
});

it("writes a refusal that is not relayed as one, without a hash of bytes that nobody got", async () => {
  const { app, written, end, upstream } = await audited({ file: { get_token: { answer: { refusals: "own" } } } });
  upstream.answer = () => response(400, { error: "invalid_grant" });
  await app.request(call());
  end(true);
  expect(written[1]).toMatchObject({ outcome: "refused", error_code: "provider_refused_user" });
  expect(written[1]).not.toHaveProperty("body_sha256");
});

it("writes one intent for a token request that is repeated", async () => {
  const { app, written, upstream } = await audited();
  const { answer } = upstream;
  upstream.answer = (request) => {
    if (upstream.requests.length === 1) throw new TransportError("unreachable", undefined, "none");
    return answer(request);
  };
  expect((await app.request(call())).status).toBe(200);
  expect(upstream.requests).toHaveLength(2);
  expect(written).toHaveLength(1);
});

it("requests no token if the intent cannot be written", async () => {
  const { app, upstream, end, written } = await audited({
    intentError: new TokenProxyError("audit_failed", "full"),
  });
  const { status, headers } = await app.request(call());
  expect(status).toBe(503);
  expect(headers.get("content-type")).toBe("application/json");
  expect(upstream.requests).toEqual([]);
  end(true);
  expect(written).toEqual([]);
});

it("writes nothing about a call that never gets to a token request", async () => {
  const { app, written } = await audited();
  await app.request(call({ headers: { "x-apikey": "wrong" } }));
  await app.request(call({ body: { ...CALL, userid: 7 } }));
  expect(written).toEqual([]);
});
