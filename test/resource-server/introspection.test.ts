// Token introspection (RFC 7662): a token counts only while the issuer says so, in so many words.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { IntrospectionOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, type FakeFetch, hang, hangInBody, INVALID, NONSENSE, UNAVAILABLE } from "./fake-fetch.ts";
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

/** @returns a function that sends one token */
function build(options: Partial<IntrospectionOptions> = {}): (token: string) => Promise<Response> {
  const introspection = { endpoint: INTROSPECTION, client_id: "api:1", client_secret: "gehéim+/=", ...options };
  const ask = resourceServer(issuer, { introspection });
  return (presented) => ask(`Bearer ${presented}`);
}

const answer =
  (value: unknown): FakeFetch["answer"] =>
  () =>
    Response.json(value);

describe("introspection", () => {
  it("sends the token as a form, as a client that authenticates by client_secret_basic", async () => {
    expect((await build()(token)).status).toBe(200);
    const [request] = issuer.introspection.requests as [Request];
    expect(request).toMatchObject({ method: "POST", url: INTROSPECTION, redirect: "manual" });
    expect(request.headers.get("accept")).toBe("application/json");
    expect(request.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect(request.headers.get("authorization")).toBe(`Basic ${btoa("api%3A1:geh%C3%A9im%2B%2F%3D")}`);
    expect(await request.text()).toBe(`token=${token}`);
  });

  it.each([{ active: true }, { active: true, exp: NOW_SECONDS + 1, sub: "somebody" }, { active: true, exp: null }])(
    "that answers %j lets the token pass",
    async (value) => {
      issuer.introspection.answer = answer(value);
      expect((await build()(token)).status).toBe(200);
    },
  );

  it.each([
    { active: false },
    { active: "true" },
    { active: "true", exp: NOW_SECONDS + 300 },
    { active: 1 },
    {},
    { active: true, exp: NOW_SECONDS },
    { active: true, exp: 0 },
  ])("that answers %j refuses the token", async (value) => {
    issuer.introspection.answer = answer(value);
    await expectRefusal(await build()(token), { ...INVALID, without: token });
  });

  it("is not asked about a token that is not good anyway", async () => {
    await expectRefusal(await build()(await sign(key, { exp: NOW_SECONDS - 60 })), INVALID);
    expect(issuer.introspection.requests).toEqual([]);
  });

  it.each<[string, FakeFetch["answer"]]>([
    ...NONSENSE,
    ["status 201", () => Response.json({ active: true }, { status: 201 })],
    ["bytes that are not UTF-8", () => new Response(Buffer.from('{"active":true,"sub":"\xff"}', "latin1"))],
    ["an exp that is text", answer({ active: true, exp: String(NOW_SECONDS + 300) })],
  ])("that is answered with %s lets no token pass, and blames none", async (_, faulty) => {
    issuer.introspection.answer = faulty;
    await expectRefusal(await build()(token), { ...UNAVAILABLE, without: token });
  });

  it.each([
    ["never begins", hang],
    ["never ends", hangInBody],
  ])("whose answer %s is waited for no longer than the timeout", async (_, never) => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
    issuer.introspection.answer = never;
    const pending = build({ timeout: 700 })(token);
    await vi.waitFor(() => expect(issuer.introspection.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(700);
    await expectRefusal(await pending, UNAVAILABLE);
  });
});
