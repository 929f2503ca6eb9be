// The token endpoint comes from the metadata document of exactly this issuer.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError, type TransportResponse } from "../../src/core/transport.ts";
import { createDiscovery, type DiscoverySettings, metadataUrls } from "../../src/oauth/discovery.ts";
import { fakeClock, fakeConnection, fakeProvider, response, thrownBy } from "../support/fakes.ts";

const ISSUER = "https://idp.example/realms/a";
const DOCUMENT = { issuer: ISSUER, token_endpoint: "https://idp.example/realms/a/token" };

type Answer = TransportResponse | Error;

/** @param answers one for all URLs, or by URL. @param duration milliseconds that each takes */
function discover(answers: Answer | Record<string, Answer>, changes: Partial<DiscoverySettings> = {}, duration = 0) {
  const clock = fakeClock();
  const provider = fakeProvider(({ url }) => {
    clock.advance(duration);
    const answer = "status" in answers || answers instanceof Error ? answers : answers[url];
    if (answer instanceof Error) throw answer;
    return answer as TransportResponse;
  });
  const settings = { issuer: ISSUER, discovery: "oidc" as const, byTls: false, ...changes };
  const transport = provider.createTransport({ connect_timeout: 1, connections: 1 });
  const discovery = createDiscovery(settings, "providers.main", { transport, clock, log: () => {} });
  return { discovery, requests: provider.requests, metadata: () => discovery.metadata(1_000) };
}

async function failureOf(answer: Answer, issuer = ISSUER): Promise<TokenProxyError> {
  const { discovery, metadata } = discover(answer, { issuer });
  const error = await thrownBy(metadata);
  expect(error).toBeInstanceOf(TokenProxyError);
  expect(discovery.state()).toEqual({ ready: false, problem: (error as Error).message });
  return error as TokenProxyError;
}

describe("the URL of the document", () => {
  it.each([
    ["https://idp.example/", "https://idp.example/.well-known/openid-configuration"],
    ["https://idp.example/realms/a/", "https://idp.example/realms/a/.well-known/openid-configuration"],
    ["http://[::1]:8080/a", "http://[::1]:8080/a/.well-known/openid-configuration"],
    ["https://IDP.example:443/A%20b", "https://IDP.example:443/A%20b/.well-known/openid-configuration"],
  ])("of %s has OpenID Connect's part appended", (issuer, url) => {
    expect(metadataUrls(issuer, "oidc")).toEqual([url]);
  });

  it("has RFC 8414's part inserted or, second, appended as by Okta", () => {
    const [host, part] = ["https://idp.example:8443", "/.well-known/oauth-authorization-server"];
    expect(metadataUrls(`${host}/`, "oauth")).toEqual([host + part]);
    expect(metadataUrls(`${host}/a/`, "oauth")).toEqual([`${host}${part}/a`, `${host}/a${part}`]);
  });
});

describe("a look-up by RFC 8414", () => {
  const [INSERTED, APPENDED] = metadataUrls(ISSUER, "oauth") as [string, string];

  it("tries the second URL after a 404, within the same time", async () => {
    const answers = { [INSERTED]: response(404, ""), [APPENDED]: response(200, DOCUMENT) };
    const { metadata, requests } = discover(answers, { discovery: "oauth" }, 300);
    expect(await metadata()).toEqual(DOCUMENT);
    expect(requests.map(({ url, timeout }) => [url, timeout])).toEqual([
      [INSERTED, 1_000],
      [APPENDED, 700],
    ]);
  });

  it.each<[string, Answer, string]>([
    ["a 500", response(500, ""), "provider_error"],
    ["no answer", new TransportError("timeout"), "provider_timeout"],
  ])("does not try the second URL after %s", async (_, answer, code) => {
    const answers = { [INSERTED]: answer, [APPENDED]: response(200, DOCUMENT) };
    const { metadata, requests } = discover(answers, { discovery: "oauth" });
    expect(await thrownBy(metadata)).toMatchObject({ code });
    expect(requests).toHaveLength(1);
  });

  it("fails if both URLs answer 404", async () => {
    const { metadata } = discover(response(404, ""), { discovery: "oauth" });
    expect(await thrownBy(metadata)).toMatchObject({ code: "provider_wrong_endpoint", detail: { url: APPENDED } });
  });
});

describe("a look-up", () => {
  it("asks metadata_url instead of the issuer's own place, for the document of the same issuer", async () => {
    const metadata_url = "https://idp.internal:8443/metadata";
    const found = discover(response(200, DOCUMENT), { metadata_url });
    expect(await found.metadata()).toEqual(DOCUMENT);
    expect(found.requests.map(({ url }) => url)).toEqual([metadata_url]);
    const missing = discover(response(404, ""), { metadata_url });
    expect(await thrownBy(missing.metadata)).toMatchObject({ message: expect.stringContaining("check metadata_url") });
    const other = discover(response(200, { ...DOCUMENT, issuer: "https://other.example" }), { metadata_url });
    expect(await thrownBy(other.metadata)).toMatchObject({ code: "provider_error" });
  });

  it("is one GET, with the time that it may take", async () => {
    const { discovery, requests } = discover(response(200, { ...DOCUMENT, scopes_supported: ["x"] }));
    expect(await discovery.metadata(1_234)).toEqual(DOCUMENT);
    expect(requests).toEqual([
      {
        method: "GET",
        url: `${ISSUER}/.well-known/openid-configuration`,
        headers: { accept: "application/json", "accept-encoding": "identity", "user-agent": "nextauth-token-proxy" },
        timeout: 1_234,
        maxResponseBytes: 262_144,
      },
    ]);
  });

  it("takes issuer and token endpoint exactly as the document has them", async () => {
    const [issuer, token_endpoint] = ["https://IDP.example:443", "https://IDP.example:443/token?p=a"];
    const body = `\ufeff${JSON.stringify({ issuer, token_endpoint })}`;
    expect(await discover(response(200, body), { issuer }).metadata()).toEqual({ issuer, token_endpoint });
  });

  it.each([
    ["https://idp.example", "https://idp.example/", "; only the slash at the end differs"],
    ["https://idp.example", "https://localhost:8443", " and names itself localhost; tell the provider its public URL"],
    ["https://idp.example", "http://idp.example", " and uses http instead of https; tell the provider its public URL"],
    ["https://idp.example", "https://idp.example:443", "; copy the provider's exactly"],
    ["https://idp.example", "https://IDP.example", "; copy the provider's exactly"],
    ["https://idp.example/a", "https://idp.example/%61", "; copy the provider's exactly"],
  ])("for %s refuses the document of %s, and says how they differ", async (issuer, found, difference) => {
    const error = await failureOf(response(200, { ...DOCUMENT, issuer: found }), issuer);
    expect(error.code).toBe("provider_error");
    expect(error.message).toContain(`the provider has another issuer than the file${difference}`);
    expect(error.detail).toMatchObject({ provider_status: 200, issuer, provider_issuer: found });
  });

  it.each(["eyJhbGciOi", `https://idp.example/${"x".repeat(300)}`])(
    "does not name %.20s as an issuer",
    async (found) => {
      const { detail } = await failureOf(response(200, { ...DOCUMENT, issuer: found }));
      expect(detail?.provider_issuer).toBe("not a valid URL");
    },
  );
});

describe("the token endpoint for clients that authenticate by TLS", () => {
  const ALIAS = "https://mtls.idp.example/token";
  const endpoint = async (mtls_endpoint_aliases: unknown, byTls: boolean) =>
    (await discover(response(200, { ...DOCUMENT, mtls_endpoint_aliases }), { byTls }).metadata()).token_endpoint;

  it("comes from the aliases, and does not affect other clients", async () => {
    expect(await endpoint({ token_endpoint: ALIAS }, true)).toBe(ALIAS);
    expect(await endpoint({ token_endpoint: ALIAS }, false)).toBe(DOCUMENT.token_endpoint);
  });

  it.each([undefined, {}, null, "none"])("is the usual one if the aliases are %j", async (aliases) => {
    expect(await endpoint(aliases, true)).toBe(DOCUMENT.token_endpoint);
  });

  it("must be an https URL", async () => {
    const aliases = { token_endpoint: "http://mtls.idp.example/token" };
    expect(await thrownBy(() => endpoint(aliases, true))).toMatchObject({ code: "provider_error" });
  });
});

describe("a look-up fails", () => {
  const NO_JSON = "the answer is not a JSON object; check issuer";
  const INCOMPLETE = "the document has no issuer or no token_endpoint; check issuer";
  const REDIRECT = "the answer is a redirect, which is never followed; correct issuer";
  const ENDPOINT = "the token_endpoint in the document must";
  const at = (token_endpoint: unknown) => response(200, { ...DOCUMENT, token_endpoint });

  it.each<[string, string, TransportResponse]>([
    ["provider_not_json", NO_JSON, response(200, "<html>")],
    ["provider_error", INCOMPLETE, response(200, { token_endpoint: "https://idp.example/t" })],
    ["provider_error", INCOMPLETE, response(200, { issuer: ISSUER })],
    ["provider_error", INCOMPLETE, at(1)],
    ["provider_error", `${ENDPOINT} be an https URL (http only on loopback)`, at("http://idp.example/token")],
    ["provider_error", `${ENDPOINT} be an https URL`, at("http://127.0.0.1/token")],
    ["provider_error", `${ENDPOINT} not contain a user name or password`, at("https://a:b@idp.example/")],
    ["provider_redirected", REDIRECT, response(302, "", { location: "https://evil.example" })],
    ["provider_redirected", REDIRECT, response(308, DOCUMENT)],
    ["provider_wrong_endpoint", "there is no document; check issuer", response(404, "<html>")],
    ["provider_error", "the provider has a problem; its log should say which", response(500, DOCUMENT)],
    ["provider_error", "the answer has status 203; check issuer", response(203, DOCUMENT)],
  ])("as %s: %s", async (code, problem, answer) => {
    const error = await failureOf(answer);
    expect(error.code).toBe(code);
    expect(error.message).toBe(`discovery of "providers.main" failed: ${problem}`);
    const url = `${ISSUER}/.well-known/openid-configuration`;
    expect(error.detail).toEqual({ url, provider_status: answer.status });
  });

  it("as any exchange does if there is no answer", async () => {
    const cause = new Error("connect ECONNREFUSED");
    const error = await failureOf(new TransportError("unreachable", cause));
    expect(error).toMatchObject({ code: "provider_unreachable", cause });
  });

  it("and repeats nothing of the answer but an issuer's URL", async () => {
    const canary = "Zq7xWv4kPj";
    for (const body of [
      canary,
      { issuer: canary, token_endpoint: canary },
      { issuer: `https://idp.example/?${canary}`, token_endpoint: canary },
      { issuer: `https://idp.example/${canary.repeat(30)}`, token_endpoint: canary },
      { ...DOCUMENT, token_endpoint: `http://${canary}` },
    ]) {
      const error = await failureOf(response(200, body));
      expect(JSON.stringify([error.message, error.detail, String(error.cause)])).not.toContain(canary);
    }
  });
});

it.each([
  [DOCUMENT, false],
  [{ access_token: "t" }, true],
  [{ ...DOCUMENT, issuer: "https://other.example" }, true],
])("closes the connection of an answer that may belong to another request: %j", async (body, isClosed) => {
  const connection = fakeConnection();
  const { metadata } = discover({ ...response(200, body), connection });
  await metadata().catch(() => {});
  expect(connection.isTroubled).toBe(isClosed);
});
