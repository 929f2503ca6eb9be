// Introspection (RFC 7662): a token counts only while the issuer says clearly that it is active.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IntrospectionOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, type FakeFetch, hang, INVALID, UNAVAILABLE, WRONG_ANSWERS } from "./fake-fetch.ts";
import {
  type FakeIssuer,
  fakeIssuer,
  INTROSPECTION,
  issuerKey,
  NOW_SECONDS,
  resourceServer,
  sign,
} from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
let issuer: FakeIssuer;
let token: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  issuer = fakeIssuer(key);
  token = await sign(key);
});
afterEach(() => {
  vi.useRealTimers();
});

const OPTIONS = { endpoint: INTROSPECTION, client_id: "api:1", client_secret: "gehéim+/=" };

/** @returns sends one token */
function build(options: Partial<IntrospectionOptions> = {}): (token: string) => Promise<Response> {
  const ask = resourceServer(issuer, { introspection: { ...OPTIONS, ...options } });
  return (presented) => ask(`Bearer ${presented}`);
}

function answerWith(value: unknown): void {
  issuer.introspection.answer = () => Response.json(value);
}

describe("introspection", () => {
  it("sends the token in a form, and authenticates by client_secret_basic", async () => {
    expect((await build()(token)).status).toBe(200);
    const [request] = issuer.introspection.requests as [Request];
    expect(request).toMatchObject({ method: "POST", url: INTROSPECTION, redirect: "manual" });
    expect(request.headers.get("accept")).toBe("application/json");
    expect(request.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect(request.headers.get("authorization")).toBe(`Basic ${btoa("api%3A1:geh%C3%A9im%2B%2F%3D")}`);
    expect(await request.text()).toBe(`token=${token}`);
  });

  it.each([{ exp: NOW_SECONDS + 1, sub: "somebody" }, { exp: null }])("accepts the token with %j", async (more) => {
    answerWith({ active: true, ...more });
    expect((await build()(token)).status).toBe(200);
  });

  it.each([
    { active: false },
    { active: "true", exp: NOW_SECONDS + 300 },
    { active: 1 },
    {},
    { active: true, exp: NOW_SECONDS },
    { active: true, exp: 0 },
  ])("refuses the token after the answer %j", async (value) => {
    answerWith(value);
    await expectRefusal(await build()(token), { ...INVALID, without: token });
  });

  it("is not asked about an invalid token", async () => {
    await expectRefusal(await build()(await sign(key, { exp: NOW_SECONDS - 60 })), INVALID);
    expect(issuer.introspection.requests).toEqual([]);
  });

  it.each<[string, FakeFetch["answer"]]>([
    ...WRONG_ANSWERS,
    ["status 201", () => Response.json({ active: true }, { status: 201 })],
    ["an exp that is text", () => Response.json({ active: true, exp: String(NOW_SECONDS + 300) })],
  ])("that is answered with %s gives 503 and the reason", async (_, answer) => {
    issuer.introspection.answer = answer;
    const response = await build()(token);
    expect(response.headers.get("x-reason")).toMatch(/^introspection failed: ./);
    await expectRefusal(response, { ...UNAVAILABLE, without: token });
  });

  it("without an answer is waited for until the timeout", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
    issuer.introspection.answer = hang;
    const pending = build({ timeout: 700 })(token);
    await vi.waitFor(() => expect(issuer.introspection.requests).toHaveLength(1), { timeout: 10_000 });
    await vi.advanceTimersByTimeAsync(700);
    await expectRefusal(await pending, UNAVAILABLE);
  });
});

describe("the answer", () => {
  it("is not remembered, so a revoked token is refused at once", async () => {
    const ask = build();
    expect((await ask(token)).status).toBe(200);
    answerWith({ active: false });
    await expectRefusal(await ask(token), INVALID);
  });
});
