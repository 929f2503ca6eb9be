// What a caller gets if the provider's answer is an error, breaks off, comes too late or not at
// all; and that its next call succeeds.

import { UnsecuredJWT } from "jose";
import { describe, expect, it, vi } from "vitest";
import { CALL, NONCE } from "../support/call.ts";
import { providerConfig, SECRETS } from "../support/config.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { freePort } from "../support/port.ts";
import { useProxy } from "../support/proxy.ts";
import { raw } from "../support/raw-answers.ts";
import {
  type Answer,
  json,
  type Response,
  respond,
  startRecordingProvider,
  token,
} from "../support/recording-provider.ts";
import { WIRE_FAULTS } from "../support/wire-faults.ts";

const DEADLINE_MS = 300;
const closedPort = await freePort();

/** The serverid of a call selects its provider. */
const proxy = useProxy({
  file: (tokenEndpoint: string) => {
    const providers = {
      main: providerConfig(tokenEndpoint, { timeout: "1m" }),
      quick: providerConfig(tokenEndpoint, { timeout: `${DEADLINE_MS}ms`, connect_timeout: `${DEADLINE_MS}ms` }),
      closed: providerConfig(`http://127.0.0.1:${closedPort}/token`),
      tls: providerConfig(tokenEndpoint.replace("http:", "https:")),
      lenient: providerConfig(tokenEndpoint, { user_errors: ["invalid_target"] }),
      strict: providerConfig(tokenEndpoint, { proxy_errors: ["mfa_required"] }),
      keycloak: providerConfig(tokenEndpoint, {
        kind: "keycloak",
        user_errors: [{ error: "invalid_grant", description: ["Token is not*"] }],
      }),
      subject: providerConfig(tokenEndpoint, { expect_subject: "access_token.sub" }),
      granted: providerConfig(tokenEndpoint, {
        ...{ expect_audience: "api", expect_scope: "accounts", expect_max_lifetime: "15m" },
        forbid_members: ["refresh_token"],
      }),
    };
    return { providers, routes: Object.keys(providers).map((provider) => ({ serverid: provider, provider })) };
  },
});
const callTo = (provider: string) => proxy.call({ body: { ...CALL, serverid: provider } });

/** Expects that the provider is asked once. */
async function expectCode(answer: Answer, code: TableCode, provider = "main") {
  proxy.provider.requests.length = 0;
  proxy.provider.answer = answer;
  const answered = await callTo(provider);
  expectProviderError(answered, code, `providers.${provider}`);
  expect(proxy.provider.requests).toHaveLength(1);
  return answered.headers;
}

async function expectNextCallRight() {
  proxy.provider.requests.length = 0;
  proxy.provider.answer = token();
  const { status, text } = await callTo("main");
  expect([status, text]).toEqual([200, '{"access_token":"the-token","token_type":"Bearer","expires_in":3600}']);
  expect(proxy.provider.requests).toHaveLength(1);
}

/**
 * The proxy has answered later requests, so it has also read what was sent on its connections
 * before.
 */
async function expectNoticed() {
  for (let i = 0; i < 3; i++) expect((await proxy.call({ path: "/nowhere" })).status).toBe(404);
}

describe("faults on the wire", () => {
  // Where it matters whether the connection is new, leftovers.test.ts has both.
  const faults = WIRE_FAULTS.filter(({ expected, reused }) => RUNTIME === "workerd" || reused === expected.node);
  it.each(faults.map((fault) => [fault.name, fault] as const))("%s", async (_, fault) => {
    const expected = fault.expected[RUNTIME];
    if (expected === "provider_timeout") {
      const closed = vi.fn();
      await expectCode(
        (socket, request) => {
          socket.once("close", closed);
          fault.answer(socket, request);
        },
        expected,
        "quick",
      );
      // A late answer has no connection to arrive on.
      await expect.poll(() => closed.mock.calls.length).toBe(1);
    } else if (typeof expected === "string") {
      await expectCode(fault.answer, expected);
    } else {
      proxy.provider.answer = fault.answer;
      const { status, text } = await callTo("main");
      expect({ status, body: text }).toEqual(expected);
      // Surplus comes after 10 ms.
      if (!fault.keeps) await new Promise((resolve) => setTimeout(resolve, 50));
      await expectNoticed();
    }
    await expectNextCallRight();
  });

  it("surplus bytes go to nobody, not even to the very next call", async () => {
    const body = '{ "access_token":"the first" }';
    for (const surplus of [json({ access_token: "surplus" }), raw("x"), raw("\r\n\r\n"), raw("HTTP/1.1 200 OK\r\n")]) {
      proxy.provider.answer = (socket, request) => {
        socket.cork();
        json(body)(socket, request);
        surplus(socket, request);
        socket.uncork();
      };
      const answer = await callTo("main");
      // On a connection that was used before, the first may be the answer to the request before.
      if (answer.status === 502) expectProviderError(answer, "provider_error");
      else expect([answer.status, answer.text]).toEqual([200, body]);
      await expectNextCallRight();
    }
  });

  it("a reset of a connection that is used again", async () => {
    await expectNextCallRight();
    await expectCode((socket) => socket.resetAndDestroy(), "provider_unreachable");
    await expectNextCallRight();
  });

  it("no listener, and no TLS", async () => {
    for (const provider of ["closed", "tls"]) {
      expectProviderError(await callTo(provider), "provider_unreachable", `providers.${provider}`);
    }
    expect(proxy.provider.requests).toEqual([]);
  });
});

describe("an answer is judged by its status", () => {
  const HTML = "<!doctype html>".padEnd(70_000, " ");
  const WAIT = { "Retry-After": "7" };

  it.each<[string, Response, TableCode, string?]>([
    ["a 429 with 70 kB of HTML", { status: 429, headers: WAIT, body: HTML }, "provider_busy", "7"],
    ["a 503 with Retry-After", { status: 503, headers: WAIT, body: HTML }, "provider_busy", "7"],
    [
      "a 429 with an unknown coding",
      { status: 429, headers: { "Content-Encoding": "x" }, body: "x" },
      "provider_busy",
      "5",
    ],
    ["a 500 with 70 kB of HTML", { status: 500, body: HTML }, "provider_error"],
    [
      "a 401 that says gzip and is empty",
      { status: 401, headers: { "Content-Encoding": "gzip" } },
      "provider_rejected_proxy",
    ],
  ])("%s", async (_, response, code, retryAfter) => {
    expect((await expectCode(respond(response), code))["retry-after"]).toBe(retryAfter);
  });

  it.each([301, 302, 303, 307, 308])("a %d is an error, and nothing is sent to its Location", async (status) => {
    const elsewhere = await startRecordingProvider();
    try {
      const Location = `${elsewhere.url}/${MARKER}`;
      const headers = await expectCode(respond({ status, headers: { Location }, body: HTML }), "provider_redirected");
      expect(headers.location).toBeUndefined();
      expect(elsewhere.requests).toEqual([]);
      await expectCode(respond({ status, headers: { Location: "/token" } }), "provider_redirected");
    } finally {
      await elsewhere.close();
    }
  });
});

it("user_errors and proxy_errors apply only to their own provider", async () => {
  const [target, mfa] = ['{ "error":"invalid_target" }', '{ "error":"mfa_required" }'];
  proxy.provider.answer = json(target, 400);
  expect(await callTo("lenient")).toMatchObject({ status: 400, text: target });
  expectProviderError(await callTo("strict"), "provider_rejected_proxy", "providers.strict");
  proxy.provider.answer = json(mfa, 403);
  expect(await callTo("lenient")).toMatchObject({ status: 403, text: mfa });
  expectProviderError(await callTo("strict"), "provider_rejected_proxy", "providers.strict");
});

describe("an error is judged by its code and description", () => {
  const error = (status: number, code: string, error_description = MARKER): Response => ({
    status,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ error: code, error_description }),
  });

  it.each<[string, Response, TableCode, string?]>([
    ["a 404 from a web framework", error(404, "Not Found"), "provider_wrong_endpoint"],
    ["a 403 that is empty", { status: 403 }, "provider_rejected_proxy"],
    ["a 403 with a sentence", error(403, "Invalid CSRF token"), "provider_rejected_proxy"],
    ["a 500 that is temporary", error(500, "temporarily_unavailable"), "provider_busy"],
    ["a 400 that is a fault of the provider", error(400, "server_error"), "provider_error"],
    ["a wrong audience", error(400, "invalid_grant", "Invalid token audience"), "provider_rejected_proxy", "keycloak"],
    ["a database that is down", error(400, "invalid_grant", "Database operation failed"), "provider_error", "keycloak"],
  ])("%s", async (_, response, code, provider) => {
    await expectCode(respond(response), code, provider);
  });

  it.each<[string, string, Response]>([
    ["a known refusal", "keycloak", error(400, "invalid_grant", "User not found")],
    ["an unknown wording", "keycloak", error(400, "invalid_grant", "Something new")],
    ["what the file says, against the kind", "keycloak", error(400, "invalid_grant", "Token is not active")],
    ["what the file says, for a 500", "lenient", error(500, "invalid_target")],
  ])("%s is relayed", async (_, provider, response) => {
    proxy.provider.answer = respond(response);
    expect(await callTo(provider)).toMatchObject({ status: response.status, text: response.body });
  });
});

describe("a refusal of the user", () => {
  const secret = SECRETS.CLIENT_SECRET;
  const refusal = (text: string) => json({ error: "invalid_grant", error_description: `sent ${text}` }, 400);

  it.each([
    ["plain", secret],
    ["in a form", new URLSearchParams({ client_secret: secret }).toString()],
    ["in base64", Buffer.from(`token-proxy:${secret}`).toString("base64")],
  ])("that repeats the client secret %s is not relayed", async (_, text) => {
    await expectCode(refusal(text), "provider_error");
  });

  it("that repeats what came with the call is relayed", async () => {
    proxy.provider.answer = refusal(`alice and ${NONCE}`);
    expect(await callTo("main")).toMatchObject({ status: 400, text: expect.stringContaining(`alice and ${NONCE}`) });
  });
});

describe("expect_subject", () => {
  const jwt = (claims: Record<string, unknown>) => new UnsecuredJWT(claims).encode();

  it("relays the token of the call's user, and the provider's refusal", async () => {
    for (const [status, body] of [
      [200, { access_token: jwt({ sub: "alice" }) }],
      [400, { error: "invalid_grant" }],
    ] as const) {
      const text = ` ${JSON.stringify(body)}\n`;
      proxy.provider.answer = json(text, status);
      expect(await callTo("subject")).toMatchObject({ status, text });
    }
  });

  it.each<[string, string]>([
    ["of another user", jwt({ sub: "bob", x: MARKER })],
    ["of another case", jwt({ sub: "Alice" })],
    ["without the claim", jwt({ client_id: "alice" })],
    ["with a list", jwt({ sub: ["alice"] })],
    ["that is opaque", MARKER],
  ])("refuses a token %s", async (_, access_token) => {
    await expectCode(json({ access_token }), "provider_wrong_subject", "subject");
  });
});

describe("what was granted", () => {
  const access_token = new UnsecuredJWT({ aud: ["api"], x: MARKER }).encode();
  const granted = { access_token, scope: "accounts", expires_in: 900 };

  it("is relayed if it is what the file expects", async () => {
    const text = ` ${JSON.stringify(granted)}\n`;
    proxy.provider.answer = json(text);
    expect(await callTo("granted")).toMatchObject({ status: 200, text });
  });

  it.each<[TableCode, object]>([
    ["provider_wrong_audience", { access_token: new UnsecuredJWT({ aud: MARKER }).encode() }],
    ["provider_wrong_scope", { scope: MARKER }],
    ["provider_wrong_lifetime", { expires_in: 901 }],
    ["provider_forbidden_member", { refresh_token: MARKER }],
  ])("is %s if not, and never relayed", async (code, changes) => {
    await expectCode(json({ ...granted, ...changes }), code, "granted");
  });

  it("says which member is forbidden, in a refusal too", async () => {
    const refusal = json({ error: "access_denied", refresh_token: MARKER }, 400);
    await expectCode(refusal, "provider_forbidden_member", "granted");
  });
});
