// What suspends a provider are requests that went out and failed, and not calls of which nothing reached it.

import { expect, it } from "vitest";
import type { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError } from "../../src/core/transport.ts";
import { FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { response, thrownBy } from "../support/fakes.ts";
import { ENDPOINT, ISSUER, setUp } from "./set-up-provider.ts";

const codeOf = async (request: () => Promise<unknown>) => ((await thrownBy(request)) as TokenProxyError).code;
const down = () => {
  throw new TransportError("unreachable");
};

it("a failed look-up counts once, and not again for each call that is told of it", async () => {
  const { upstream, request, clock } = setUp({ issuer: ISSUER, discovery: "oidc", token_endpoint: undefined });
  upstream.answer = down;
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) {
    for (let call = 0; call < 3; call++) expect(await codeOf(request)).toBe("provider_unreachable");
    clock.advance(1_000);
  }
  expect(upstream.requests).toHaveLength(FAILURES_BEFORE_SUSPENSION - 1);
  expect(await codeOf(request)).toBe("provider_unreachable");
  expect(await codeOf(request)).toBe("provider_suspended");
  expect(upstream.requests).toHaveLength(FAILURES_BEFORE_SUSPENSION);
});

it("token requests that fail count, with a look-up or without", async () => {
  for (const discovered of [{}, { issuer: ISSUER, discovery: "oidc" as const, token_endpoint: undefined }]) {
    const { upstream, request } = setUp(discovered);
    upstream.answer = ({ method }) =>
      method === "GET" ? response(200, { issuer: ISSUER, token_endpoint: ENDPOINT }) : response(500, "");
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect(await codeOf(request)).toBe("provider_error");
    expect(await codeOf(request)).toBe("provider_suspended");
  }
});

it("a call whose value fits no header is no trial", async () => {
  const { upstream, request, clock, values } = setUp({ headers: { "X-User": "{{userid}}" } });
  upstream.answer = down;
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await codeOf(request);
  clock.advance(SUSPENSION_MS);
  upstream.requests.length = 0;
  values.set("userid", "a\nb");
  expect(await codeOf(request)).toBe("call_invalid");
  expect(upstream.requests).toHaveLength(0);
  values.set("userid", "alice");
  expect(await codeOf(request)).toBe("provider_unreachable");
  expect(await codeOf(request)).toBe("provider_suspended");
});
