// A provider's JWTs are signed by the keys that the file names, and its next credential stands in for one that is refused.

import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { response, thrownBy } from "../support/fakes.ts";
import { setUp, TOKEN } from "./set-up-provider.ts";

describe("JWTs", () => {
  const jwt = (more: object = {}) => ({ header: {}, claims: {}, ttl: 60_000, backdate: 0, ...more });

  it("are signed by the first key, or by the one that the file names, each once in one request", async () => {
    const { upstream, request } = setUp({
      params: { a: "{{jwt.a}}", again: "{{jwt.a}}", b: "{{jwt.b}}" },
      headers: { "X-B": "{{jwt.b}}" },
      jwt: { a: jwt(), b: jwt({ kid: "second" }) },
    });
    await request();
    const form = new URLSearchParams(upstream.requests[0]?.body);
    const sent = (name: string) => String(form.get(name));
    expect(["a", "b"].map((name) => decodeProtectedHeader(sent(name)).kid)).toEqual(["first", "second"]);
    expect(sent("again")).toBe(sent("a"));
    expect(upstream.requests[0]?.headers["x-b"]).toBe(sent("b"));
  });

  it("can be without an issuer that is published", async () => {
    const { upstream, request } = setUp(
      { params: { a: "{{jwt.a}}" }, jwt: { a: jwt({ claims: { iss: "{{client_id}}" } }) } },
      { signingIssuer: undefined },
    );
    await request();
    expect(decodeJwt(String(new URLSearchParams(upstream.requests[0]?.body).get("a"))).iss).toBe("token-proxy");
  });
});

describe("a second credential", () => {
  const TWO = { secrets: ["old", "new"].map((text) => new Secret(text)) };
  const POST = { token_endpoint_auth_method: "client_secret_post" } as const;
  const REFUSED = response(401, { error: "invalid_client" });
  const secretOf = (body: string | undefined) => new URLSearchParams(body).get("client_secret");

  it("has what is left of the time, and its try is told without the secrets", async () => {
    const { upstream, request, clock, lines } = setUp(POST, TWO);
    upstream.answer = ({ body }) => {
      clock.advance(2_000);
      return secretOf(body) === "new" ? response(200, TOKEN) : REFUSED;
    };
    await request();
    expect(upstream.requests.map(({ body, timeout }) => [secretOf(body), timeout])).toEqual([
      ["old", 5_000],
      ["new", 3_000],
    ]);
    expect(lines).toEqual([
      {
        level: "warn",
        event: "client credential refused, trying the next",
        fields: { provider: "main", refused: 1, next: 2 },
      },
    ]);
  });

  it("is left for the first where that works again", async () => {
    const { upstream, request } = setUp(POST, TWO);
    for (const accepted of ["new", "old"]) {
      upstream.answer = ({ body }) => (secretOf(body) === accepted ? response(200, TOKEN) : REFUSED);
      await request();
    }
    expect(upstream.requests.map(({ body }) => secretOf(body))).toEqual(["old", "new", "new", "old"]);
  });

  it("that is refused too leaves the first one in use", async () => {
    const { upstream, request } = setUp(POST, TWO);
    upstream.answer = () => REFUSED;
    await thrownBy(request);
    await thrownBy(request);
    expect(upstream.requests.map(({ body }) => secretOf(body))).toEqual(["old", "new", "old", "new"]);
  });

  it("goes on being used where something else about this proxy was refused", async () => {
    const { upstream, request } = setUp(POST, TWO);
    upstream.answer = ({ body }) =>
      secretOf(body) === "new" ? response(400, { error: "unauthorized_client" }) : REFUSED;
    expect(await thrownBy(request)).toMatchObject({ code: "provider_rejected_proxy" });
    await thrownBy(request);
    expect(upstream.requests.map(({ body }) => secretOf(body))).toEqual(["old", "new", "new"]);
  });

  it("is not tried where no time is left", async () => {
    const { upstream, request, clock } = setUp(POST, TWO);
    upstream.answer = () => {
      clock.advance(5_000);
      return REFUSED;
    };
    expect(await thrownBy(request)).toMatchObject({ code: "provider_timeout" });
    expect(upstream.requests).toHaveLength(1);
  });

  it("goes on being used where it was the user that was refused", async () => {
    const { upstream, request } = setUp(POST, TWO);
    upstream.answer = ({ body }) => (secretOf(body) === "new" ? response(400, { error: "invalid_grant" }) : REFUSED);
    expect(await request()).toMatchObject({ outcome: "refused" });
    await request();
    expect(upstream.requests.map(({ body }) => secretOf(body))).toEqual(["old", "new", "new"]);
  });
});
