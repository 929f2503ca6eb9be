// A refusal is relayed byte for byte, unless it repeats a credential that this proxy sent.

import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { repeatsCredential } from "../../src/oauth/echoed-credential.ts";
import type { ProviderSettings } from "../../src/oauth/provider-settings.ts";
import { response, thrownBy } from "../support/fakes.ts";
import { setUp } from "./set-up-provider.ts";

const SECRET = "correct horse/bättery+staple";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);
const asEscapes = (text: string) =>
  [...text].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

describe("a credential is found", () => {
  it.each<[string, (secret: string) => string]>([
    ["plain", (secret) => secret],
    ["in percent-encoding", encodeURIComponent],
    ["in percent-encoding with lower-case digits", (secret) => encodeURIComponent(secret).toLowerCase()],
    ["in a form", (secret) => new URLSearchParams({ client_secret: secret, a: "b" }).toString()],
    ["in a form inside a form", (secret) => encodeURIComponent(new URLSearchParams({ a: secret }).toString())],
    ["with every character escaped", asEscapes],
    ["with slashes escaped", (secret) => secret.replaceAll("/", "\\/")],
    ["in JSON in JSON", (secret) => inJson(JSON.stringify({ "a/b": asEscapes(secret) }))],
    ["in base64", (secret) => `(${base64(secret)})`],
    ["in base64url", (secret) => Buffer.from(secret).toString("base64url")],
    ["in base64 with slashes escaped", (secret) => base64(`??>${secret}`).replaceAll("/", "\\/")],
    ["in HTTP Basic, one byte further", (secret) => base64(`a:${secret}:`)],
    ["in HTTP Basic, two bytes further", (secret) => base64(`ab:${secret}?`)],
    ["in base64 with line breaks", (secret) => base64(secret).replaceAll(/.{8}/g, "$&\\r\\n")],
    ["in HTML entities", (secret) => secret.replaceAll(/[^a-z]/g, (char) => `&#${char.charCodeAt(0)};`)],
    [
      "in hex with colons",
      (secret) =>
        Buffer.from(secret)
          .toString("hex")
          .toUpperCase()
          .replaceAll(/..(?!$)/g, "$&:"),
    ],
    ["in HTTP Basic, form-encoded first", (secret) => base64(`abc:${new URLSearchParams({ "": secret })}`)],
  ])("%s", (_, written) => {
    const text = `{"error":"invalid_grant","error_description":"sent ${written(SECRET)} by you"}`;
    expect(repeatsCredential(text, ["another one", SECRET])).toBe(true);
    expect(repeatsCredential(text, ["another one", `${SECRET}!`])).toBe(false);
  });

  it("whatever bytes are around it in base64", () => {
    for (const before of ["", "a", "ab", "abc", "abcd"]) {
      for (const after of ["", "z", "zy", "zyx"]) {
        const text = Buffer.from(`${before}12345678${after}`);
        expect(repeatsCredential(text.toString("base64"), ["12345678"]), `${before}|${after}`).toBe(true);
        expect(repeatsCredential(text.toString("base64url"), ["12345678"]), `${before}|${after}`).toBe(true);
      }
    }
  });

  it("only if it has 8 characters or more", () => {
    expect(repeatsCredential("wrong password", ["password"])).toBe(true);
    expect(repeatsCredential("wrong secret", ["secret", ""])).toBe(false);
  });

  it("that is percent-encoded completely, next to bytes that are not UTF-8", () => {
    const hex = Buffer.from(SECRET).toString("hex").replaceAll(/../g, "%$&");
    expect(repeatsCredential(`%ff${hex}%C3`, [SECRET])).toBe(true);
  });

  it("however long it is", () => {
    const long = "é".repeat(65_536);
    expect(repeatsCredential(base64(`a:${long}`), [long])).toBe(true);
  });

  it("among escapes that are not valid", () => {
    expect(repeatsCredential(`%\\u%zz\\x%ff\\U0041\\u00 ${SECRET}`, [SECRET])).toBe(true);
  });
});

describe("a refusal that repeats", () => {
  const jwt = { header: {}, claims: { sub: "{{userid}}" }, ttl: 60_000, backdate: 0 };
  const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
  const field = (name: string) => (sent: { body?: string | undefined }) =>
    String(new URLSearchParams(sent.body).get(name));
  type Sent = { body?: string | undefined; headers: Readonly<Record<string, string>> };

  function refusing(settings: Partial<ProviderSettings>, credential: (sent: Sent) => string, place = "body") {
    const secrets = [new Secret(place === "short" ? "short" : SECRET)];
    const placed = new Map([["headers.X-Key", new Secret("gateway-key-1")]]);
    const set = setUp({ params: {}, headers: { "X-Key": { env: "K" } }, ...settings }, { secrets, placed });
    set.values.set("user_token", "eyJ.user.token");
    set.upstream.answer = (sent) => {
      const repeated = credential(sent);
      if (place !== "header") return response(400, { error: "invalid_grant", error_description: repeated });
      return response(400, { error: "invalid_grant" }, { "content-type": `application/json; x=${repeated}` });
    };
    return set;
  }

  it.each<[string, Partial<ProviderSettings>, (sent: Sent) => string, string?]>([
    ["the client secret", {}, () => SECRET],
    ["the client secret of the form", { token_endpoint_auth_method: "client_secret_post" }, field("client_secret")],
    ["the Authorization header", {}, ({ headers }) => String(headers.authorization)],
    ["the Authorization header with a short secret", {}, ({ headers }) => String(headers.authorization), "short"],
    ["a client assertion", { token_endpoint_auth_method: "private_key_jwt" }, field("client_assertion")],
    ["an HMAC client assertion", { token_endpoint_auth_method: "client_secret_jwt" }, field("client_assertion")],
    ["an assertion", { params: { assertion: "{{jwt.user}}" }, jwt: { user: jwt } }, field("assertion")],
    ["a subject token of ours", { grant_type: EXCHANGE, jwt: { user: jwt } }, field("subject_token")],
    [
      "a JWT in a parameter of another name",
      { params: { a: "x {{jwt.b}}" }, jwt: { b: jwt } },
      (sent) => field("a")(sent).slice(2),
    ],
    ["an actor token of the file", { params: { actor_token: "fixed-actor-token" } }, field("actor_token")],
    ["text of 64 KiB, which takes long to search,", {}, () => "x".repeat(65_536)],
    ["a secret in a header", {}, () => "gateway-key-1"],
    ["a secret in its Content-Type", {}, () => "gateway-key-1", "header"],
  ])("%s is not relayed", async (_, settings, credential, place) => {
    const { request } = refusing(settings, credential, place);
    const error = await thrownBy(request);
    expect(error).toMatchObject({
      code: "provider_error",
      message:
        'the provider "providers.main" refused the user, but its answer repeats a credential of this proxy or is longer than 64 KiB, so it is not relayed',
      detail: { provider_status: 400, provider_error: "invalid_grant" },
    });
  });

  it.each<[string, Partial<ProviderSettings>, string]>([
    [
      "a token that came with the call",
      { grant_type: EXCHANGE, params: { subject_token: "{{user_token}}" } },
      "subject_token",
    ],
    ["the userid", { params: { assertion: "{{userid}}" } }, "assertion"],
  ])("%s is relayed: it is the caller's", async (_, settings, name) => {
    const { request, values } = refusing(settings, field(name));
    values.set("userid", "alice@bank.example");
    expect(await request()).toMatchObject({ outcome: "refused", status: 400 });
  });

  it("a credential does not suspend the provider, and uses no other credential", async () => {
    const { provider, upstream, request } = refusing({}, () => SECRET);
    for (let i = 0; i < 12; i++) await thrownBy(request);
    expect(provider.state().breaker).toBe("closed");
    expect(upstream.requests).toHaveLength(12);
  });
});
