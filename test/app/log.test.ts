// Each call leaves one line in the log: by it a call can be found and explained, and nobody be identified or imitated.

import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/core/transport.ts";
import { APIKEY, CALL, NONCE } from "../support/call.ts";
import { SECRETS } from "../support/config.ts";
import { response } from "../support/fakes.ts";
import { buildApp, call, type SentCall, TOKEN } from "./build-app.ts";

describe("the line of a call", () => {
  it("tells who called, who was asked, how long it took and what came of it", async () => {
    const { app, upstream, clock, lines } = await buildApp();
    upstream.answer = () => {
      clock.advance(42.25);
      return response(200, TOKEN);
    };
    const answer = await app.request(call());
    expect(lines).toEqual([
      {
        level: "info",
        event: "call",
        fields: {
          request_id: answer.headers.get("x-request-id"),
          route: "/getToken",
          caller: "nextauth-server",
          provider: "main",
          attempts: 1,
          user: expect.stringMatching(/^[0-9a-f]{16}$/),
          session: expect.stringMatching(/^[0-9a-f]{16}$/),
          duration_ms: 42.3,
          provider_ms: 42.3,
          outcome: "token",
          status: 200,
          provider_status: 200,
          bytes: TOKEN.length,
        },
      },
    ]);
  });

  it("of a refusal has its code and is no fault", async () => {
    const { app, upstream, lines } = await buildApp();
    upstream.answer = () => response(400, { error: "invalid_grant", error_description: "alice is locked" });
    await app.request(call());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: "info",
      fields: { outcome: "refused", provider_status: 400, provider_error: "invalid_grant" },
    });
  });

  it("of a failed exchange has the chain of its causes", async () => {
    const { app, upstream, lines } = await buildApp();
    upstream.answer = () => {
      const refused = Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:443"), { code: "ECONNREFUSED" });
      throw new TransportError("unreachable", new TypeError("fetch failed", { cause: refused }));
    };
    await app.request(call());
    expect(lines).toEqual([
      expect.objectContaining({
        level: "warn",
        fields: expect.objectContaining({
          caller: "nextauth-server",
          provider: "main",
          outcome: "error",
          error_code: "provider_unreachable",
          cause: "TypeError < ECONNREFUSED",
        }),
      }),
    ]);
  });

  it.each<[string, SentCall, object]>([
    ["an unknown path", { path: "/x" }, { error_code: "not_found", caller: undefined, provider: undefined }],
    ["a wrong method", { method: "PUT" }, { error_code: "method_not_allowed", caller: undefined, provider: undefined }],
    [
      "an unknown caller",
      { headers: { "x-apikey": "x" } },
      { error_code: "caller_unauthenticated", caller: undefined },
    ],
    [
      "a call without userid",
      { body: {} },
      { error_code: "call_invalid", caller: "nextauth-server", provider: undefined },
    ],
    ["a call without nonce", { headers: { "x-nonce": undefined } }, { error_code: "call_invalid", provider: "main" }],
  ])("of %s tells how far it came", async (_, sent, fields) => {
    const { app, lines } = await buildApp();
    await app.request(call(sent));
    expect(lines).toEqual([{ level: "warn", event: "call", fields: expect.objectContaining(fields) }]);
  });
});

it("no line holds anything of a user, a credential or a body", async () => {
  const { app, upstream, lines } = await buildApp({ provider: { headers: { "X-User": "{{userid}}" } } });
  const answers = [
    response(200, TOKEN),
    response(200, "the-token"),
    response(200, { error: "alice is locked", access_token: "the-token" }),
    response(400, { error: "invalid_grant", error_description: `alice ${NONCE}`, mfa_token: "the-token" }),
    response(401, { error: "invalid_client", error_description: SECRETS.CLIENT_SECRET }),
    response(429, "the-token", { "retry-after": "the-token" }),
    response(302, "", { location: "https://idp.example/?code=the-token" }),
    response(500, "the-token"),
  ];
  for (const answer of answers) {
    upstream.answer = () => answer;
    await app.request(call());
  }
  for (const thrown of [new Error("alice the-token"), new TransportError("truncated", new Error("alice the-token"))]) {
    upstream.answer = () => {
      throw thrown;
    };
    await app.request(call());
  }
  const sent: SentCall[] = [
    { headers: { "x-apikey": `${APIKEY}x` } },
    { path: "/alice/the-token" },
    { body: "alice the-token" },
    { body: { userid: "alice\n" } },
    { body: { userid: "alicé" } },
    { body: { ...CALL, accountid: "alice" } },
  ];
  for (const one of sent) await app.request(call(one));

  expect(lines).toHaveLength(answers.length + 2 + sent.length);
  const text = JSON.stringify(lines);
  for (const canary of ["alic", CALL.serverid, NONCE, APIKEY, "the-token", "s3cret", "Basic "]) {
    expect(text, canary).not.toContain(canary);
  }
});
