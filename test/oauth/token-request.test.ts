// The token request has the file's parameters in the file's order, and nothing that could be read two ways.

import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import type { PlacedSecrets, ProviderSettings } from "../../src/oauth/provider-settings.ts";
import { fakeTrace, thrownBy } from "../support/fakes.ts";
import { setUp } from "./set-up-provider.ts";

const VALUES = { userid: "alice", nonce: "n0nce", empty: "" };
const NONE: PlacedSecrets = new Map();

/** @returns body and headers of the token request for a public client without client_id */
async function build(
  settings: Partial<ProviderSettings>,
  values: Record<string, string> = VALUES,
  placed: PlacedSecrets = NONE,
) {
  const { provider, upstream } = setUp(
    { token_endpoint_auth_method: "none", client_id: undefined, params: {}, ...settings },
    { placed },
  );
  await provider.requestToken(new Map(Object.entries(values)), { trace: fakeTrace(), recipient: undefined });
  const [request] = upstream.requests;
  return { body: String(request?.body), headers: request?.headers ?? {} };
}

describe("the body", () => {
  it("holds grant_type, parameters and scope in this order", async () => {
    const { body } = await build({ scope: "openid accounts", params: { z: "1", a: "{{userid}}" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&z=1&a=alice&scope=openid+accounts");
  });

  it("repeats a parameter for each member of its list", async () => {
    const { body } = await build({ params: { audience: ["a", "{{userid}}", "b"], x: [] } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&audience=a&audience=alice&audience=b");
  });

  it("leaves out what renders empty", async () => {
    const { body } = await build({ scope: "", params: { a: "{{empty}}", b: ["", "c"], d: "" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&b=c");
  });

  it("encodes values, so that none can add a parameter", async () => {
    const { body } = await build({ params: { user: "{{userid}}" } }, { userid: "alice&client_id=evil&x=%26+é" });
    expect([...new URLSearchParams(body)]).toEqual([
      ["grant_type", "urn:example:user"],
      ["user", "alice&client_id=evil&x=%26+é"],
    ]);
  });
});

describe("the headers", () => {
  it("ask for JSON without a coding, say what is sent, and name the proxy", async () => {
    expect((await build({})).headers).toEqual({
      accept: "application/json",
      "accept-encoding": "identity",
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "nextauth-token-proxy",
    });
  });

  it("hold those of the file, which may replace the user agent", async () => {
    const { headers } = await build({ headers: { "X-Tenant": "r-{{userid}}", "User-Agent": "bank/1" } });
    expect(headers).toMatchObject({ "x-tenant": "r-alice", "user-agent": "bank/1" });
    expect(Object.keys(headers)).toHaveLength(5);
  });

  it.each(["a b", "a\tb", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"])(
    "may hold visible ASCII with spaces inside: %j",
    async (value) => {
      expect((await build({ headers: { "X-U": "{{userid}}" } }, { userid: value })).headers["x-u"]).toBe(value);
    },
  );

  it.each(["", " ", " a", "a ", "a\r\nX-Evil: 1", "a\nb", "é", "日本", "a\u0000b", "a\u007f"])(
    "hold no value that could end or change them: %j",
    async (value) => {
      const error = await thrownBy(() => build({ headers: { "X-User": "{{userid}}" } }, { userid: value }));
      expect(error).toMatchObject({
        code: "call_invalid",
        message: 'a value of the call has characters that the header "providers.main.headers.X-User" cannot carry',
      });
    },
  );
});

describe("a secret in its place", () => {
  const settings = { params: { assertion: { env: "A" }, b: "{{userid}}" }, headers: { "X-Key": { env: "K" } } };
  const placed = (text: string) =>
    new Map([
      ["params.assertion", new Secret(text)],
      ["headers.X-Key", new Secret(text)],
    ]);

  it("goes out as it is, never read as a template", async () => {
    const { body, headers } = await build(settings, VALUES, placed("{{userid}} {{"));
    expect([...new URLSearchParams(body)]).toEqual([
      ["grant_type", "urn:example:user"],
      ["assertion", "{{userid}} {{"],
      ["b", "alice"],
    ]);
    expect(headers["x-key"]).toBe("{{userid}} {{");
  });

  it("of a parameter may not become one of a header of the same name", async () => {
    const { body, headers } = await build(
      { params: { same: { env: "A" } }, headers: { same: "b" } },
      VALUES,
      new Map([["params.same", new Secret("s")]]),
    );
    expect([body, headers.same]).toEqual(["grant_type=urn%3Aexample%3Auser&same=s", "b"]);
  });
});
