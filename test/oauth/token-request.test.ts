// A token request has the file's parameters, headers and JWTs, in the file's order.

import { decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import type { ProviderCredentials, ProviderSettings } from "../../src/oauth/provider-settings.ts";
import { fakeConnection, NOW, response, thrownBy } from "../support/fakes.ts";
import { ENDPOINT, ISSUER, setUp } from "./set-up-provider.ts";

const VALUES = { userid: "alice", nonce: "n0nce", empty: "" };

/** @returns the body and headers of the token request of a public client without client_id */
async function build(
  settings: Partial<ProviderSettings>,
  given: Record<string, string> = VALUES,
  credentials: Partial<ProviderCredentials> = {},
) {
  const client = { token_endpoint_auth_method: "none", client_id: undefined, params: {} } as const;
  const { upstream, values, request } = setUp({ ...client, ...settings }, credentials);
  for (const [name, value] of Object.entries(given)) values.set(name, value);
  await request();
  const [sent] = upstream.requests;
  return { body: String(sent?.body), form: new URLSearchParams(sent?.body), headers: sent?.headers ?? {} };
}

describe("the body", () => {
  it("has grant_type, parameters and scope in this order", async () => {
    const { body } = await build({ scope: "openid accounts", params: { z: "1", a: "{{userid}}" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&z=1&a=alice&scope=openid+accounts");
  });

  it("repeats a parameter for each item of its list", async () => {
    const { body } = await build({ params: { audience: ["a", "{{userid}}", "b"], x: [] } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&audience=a&audience=alice&audience=b");
  });

  it("has JSON that is serialised after its values are filled in", async () => {
    const json = [{ "{{userid}}": "{{userid}}", id: "{{uuid}}", n: 1.5, t: "at {{now}}", none: null }];
    const { form } = await build(
      { params: { a: { json }, b: { json: "{{uuid}}" }, c: { json: "" } } },
      { userid: '","x":"' },
    );
    expect(form.get("a")).toBe(
      `[{"{{userid}}":"\\",\\"x\\":\\"","id":"uuid-1","n":1.5,"t":"at ${NOW / 1000}","none":null}]`,
    );
    expect([form.get("b"), form.get("c")]).toEqual(['"uuid-1"', '""']);
  });

  it("omits empty parameters", async () => {
    const { body } = await build({ scope: "", params: { a: "{{empty}}", b: ["", "c"], d: "" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&b=c");
  });

  it("can have the provider's own values", async () => {
    const names = ["client_id", "issuer", "token_endpoint", "signing_issuer", "signing.kid", "now", "uuid"];
    const params = Object.fromEntries(names.map((name) => [name.replace(/^/, "p_"), `{{${name}}}`]));
    const { form } = await build({ client_id: "id", issuer: `${ISSUER}/`, params });
    expect(Object.fromEntries(form)).toEqual({
      grant_type: "urn:example:user",
      client_id: "id",
      p_client_id: "id",
      p_issuer: `${ISSUER}/`,
      p_token_endpoint: ENDPOINT,
      p_signing_issuer: "https://proxy.example",
      "p_signing.kid": "first",
      p_now: String(NOW / 1000),
      p_uuid: "uuid-1",
    });
  });

  it("has one fresh uuid, and the time of the request", async () => {
    const { upstream, request, clock } = setUp({ params: { a: "{{uuid}}", b: "{{uuid}}", t: "{{now}}" } });
    await request();
    clock.advance(1_999);
    await request();
    expect(upstream.requests.map(({ body }) => body?.replace(/^grant_type=[^&]+&/, ""))).toEqual([
      `a=uuid-1&b=uuid-1&t=${NOW / 1000}`,
      `a=uuid-2&b=uuid-2&t=${NOW / 1000 + 1}`,
    ]);
  });
});

describe("the headers", () => {
  const OURS = {
    accept: "application/json",
    "accept-encoding": "identity",
    "content-type": "application/x-www-form-urlencoded",
    "user-agent": "nextauth-token-proxy",
  };

  it("are ours and those of the file, which may replace the user agent", async () => {
    expect((await build({})).headers).toEqual(OURS);
    const headers = { "X-Tenant": "r-{{userid}}", "User-Agent": "bank/1" };
    expect((await build({ headers })).headers).toEqual({ ...OURS, "user-agent": "bank/1", "x-tenant": "r-alice" });
  });
});

it("sends a secret unchanged, only in its own place, and never as a template", async () => {
  const placed = new Map(["params.same", "headers.X-Key"].map((place) => [place, new Secret("{{userid}} {{")]));
  const settings = { params: { same: { env: "A" } }, headers: { "X-Key": { env: "K" }, same: "b" } };
  const { form, headers } = await build(settings, VALUES, { placed });
  expect(form.get("same")).toBe("{{userid}} {{");
  expect(headers).toMatchObject({ "x-key": "{{userid}} {{", same: "b" });
});

it("signs each JWT once per request, with the first key or the one that the file names", async () => {
  const jwt = { header: {}, claims: {}, ttl: 60_000, backdate: 0 };
  const { form, headers } = await build({
    params: { a: "{{jwt.a}}", again: "{{jwt.a}}", b: "{{jwt.b}}" },
    headers: { "X-B": "{{jwt.b}}" },
    jwt: { a: jwt, b: { ...jwt, kid: "second" } },
  });
  const kids = ["a", "b"].map((name) => decodeProtectedHeader(String(form.get(name))).kid);
  expect(kids).toEqual(["first", "second"]);
  expect(form.get("again")).toBe(form.get("a"));
  expect(headers["x-b"]).toBe(form.get("b"));
});

describe("a value of the call", () => {
  const jwt = { header: {}, claims: { scope: "read:{{userid}}" }, ttl: 60_000, backdate: 0 };
  it.each<[string, Partial<ProviderSettings>, string, string]>([
    ["a second scope", { scope: "read:{{userid}}" }, "alice admin", "scope"],
    [
      "a second scope in a signed JWT",
      { params: { a: "{{jwt.a}}" }, jwt: { a: jwt } },
      "alice admin",
      "jwt.a.claims.scope",
    ],
    ["another value's part of a text", { params: { a: "{{nonce}}|{{userid}}" } }, "x|bob", "params.a"],
    [
      "another path of a URL",
      { params: { resource: "https://api.bank.example/{{userid}}" } },
      "bob/../x",
      "params.resource",
    ],
    ["another header", { headers: { "X-User": "{{userid}}" } }, "a\r\nX-Evil: 1", "headers.X-User"],
  ])("cannot become %s", async (_, settings, userid, place) => {
    const { upstream, values, request } = setUp({ params: {}, ...settings });
    values.set("userid", userid).set("nonce", "n");
    expect(await thrownBy(request)).toMatchObject({
      code: "call_invalid",
      message: expect.stringContaining(`the value of {{userid}} does not fit into "providers.main.${place}"`),
    });
    expect(upstream.requests).toHaveLength(0);
  });
});

it.each([
  ["no JSON", 200, "<html>", true],
  ["no token", 200, { issuer: ISSUER }, true],
  ["a token of another user", 200, { access_token: "t", user: "bob" }, true],
  ["an error that is not a text", 400, { error: 7 }, true],
  ["a 404 without an error code", 404, {}, true],
  ["the user's token", 200, { access_token: "t", user: "alice" }, false],
  ["a refusal", 400, { error: "invalid_grant" }, false],
  ["a rejection", 401, {}, false],
  ["a limit", 429, "<html>", false],
  ["a failure", 500, "<html>", false],
])("%s: whether its connection is closed, because later answers on it may be wrong too", async (...row) => {
  const [, status, body, isClosed] = row;
  const { upstream, request } = setUp({ expect_subject: { member: "user", equals: "{{userid}}", compare: "exact" } });
  const connection = fakeConnection();
  upstream.answer = () => ({ ...response(status, body), connection });
  await request().catch(() => {});
  expect(connection.isTroubled).toBe(isClosed);
  expect(upstream.requests).toHaveLength(1);
});
