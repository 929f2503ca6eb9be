// A token endpoint is found from the issuer, in a document that is that very issuer's.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { TransportError, type TransportResponse } from "../../src/core/transport.ts";
import { createDiscovery, metadataUrls } from "../../src/oauth/discovery.ts";
import { fakeClock, fakeProvider, response, thrownBy } from "../support/fakes.ts";

const ISSUER = "https://idp.example/realms/a";
const DOCUMENT = { issuer: ISSUER, token_endpoint: "https://idp.example/realms/a/token" };

function discover(answer: TransportResponse | Error, issuer = ISSUER, byTls = false) {
  const provider = fakeProvider(() => {
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const discovery = createDiscovery({ issuer, discovery: "oidc", byTls }, "providers.main", {
    transport: provider.createTransport({ connect_timeout: 1, connections: 1 }),
    clock: fakeClock(),
  });
  return { discovery, requests: provider.requests };
}

async function failureOf(answer: TransportResponse | Error, issuer = ISSUER): Promise<TokenProxyError> {
  const { discovery } = discover(answer, issuer);
  const error = await thrownBy(() => discovery.metadata(1_000));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect(discovery.state()).toEqual({ ready: false, problem: (error as Error).message });
  return error as TokenProxyError;
}

describe("the document's URL", () => {
  it.each([
    ["https://idp.example", "https://idp.example/.well-known/openid-configuration"],
    ["https://idp.example/", "https://idp.example/.well-known/openid-configuration"],
    ["https://idp.example/realms/a", "https://idp.example/realms/a/.well-known/openid-configuration"],
    ["https://idp.example/realms/a/", "https://idp.example/realms/a/.well-known/openid-configuration"],
    ["https://idp.example:443/a", "https://idp.example:443/a/.well-known/openid-configuration"],
    ["http://[::1]:8080/a", "http://[::1]:8080/a/.well-known/openid-configuration"],
    ["https://IDP.example/A%20b", "https://IDP.example/A%20b/.well-known/openid-configuration"],
  ])("by OpenID Connect is appended to %s", (issuer, url) => {
    expect(metadataUrls(issuer, "oidc")).toEqual([url]);
  });

  it.each([
    ["https://idp.example", ["https://idp.example/.well-known/oauth-authorization-server"]],
    ["https://idp.example/", ["https://idp.example/.well-known/oauth-authorization-server"]],
    [
      "https://idp.example/realms/a",
      [
        "https://idp.example/.well-known/oauth-authorization-server/realms/a",
        "https://idp.example/realms/a/.well-known/oauth-authorization-server",
      ],
    ],
    [
      "https://idp.example:8443/a/",
      [
        "https://idp.example:8443/.well-known/oauth-authorization-server/a",
        "https://idp.example:8443/a/.well-known/oauth-authorization-server",
      ],
    ],
  ])("by RFC 8414 stands before the path of %s, and after it for Okta", (issuer, urls) => {
    expect(metadataUrls(issuer, "oauth")).toEqual(urls);
  });
});

describe("a look-up by RFC 8414", () => {
  const [INSERTED, APPENDED] = metadataUrls(ISSUER, "oauth") as [string, string];

  function lookUp(answers: Record<string, TransportResponse | Error>, duration = 0) {
    const clock = fakeClock();
    const provider = fakeProvider(({ url }) => {
      clock.advance(duration);
      const answer = answers[url] as TransportResponse | Error;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    const transport = provider.createTransport({ connect_timeout: 1, connections: 1 });
    const discovery = createDiscovery({ issuer: ISSUER, discovery: "oauth", byTls: false }, "providers.main", {
      transport,
      clock,
    });
    return { discovery, asked: () => provider.requests.map(({ url, timeout }) => [url, timeout]) };
  }

  it("takes the document from where the specification has it", async () => {
    const { discovery, asked } = lookUp({ [INSERTED]: response(200, DOCUMENT) });
    expect(await discovery.metadata(1_000)).toEqual(DOCUMENT);
    expect(asked()).toEqual([[INSERTED, 1_000]]);
  });

  it("tries Okta's place after a 404, within the same time", async () => {
    const { discovery, asked } = lookUp({ [INSERTED]: response(404, ""), [APPENDED]: response(200, DOCUMENT) }, 300);
    expect(await discovery.metadata(1_000)).toEqual(DOCUMENT);
    expect(asked()).toEqual([
      [INSERTED, 1_000],
      [APPENDED, 700],
    ]);
  });

  it.each<[string, TransportResponse | Error, string]>([
    ["a 500", response(500, ""), "provider_error"],
    ["a redirect", response(302, ""), "provider_redirected"],
    ["another issuer's document", response(200, { ...DOCUMENT, issuer: "https://idp.example" }), "provider_error"],
    ["no answer", new TransportError("timeout"), "provider_timeout"],
  ])("tries nothing more after %s", async (_, answer, code) => {
    const { discovery, asked } = lookUp({ [INSERTED]: answer, [APPENDED]: response(200, DOCUMENT) });
    expect(await thrownBy(() => discovery.metadata(1_000))).toMatchObject({ code });
    expect(asked()).toHaveLength(1);
  });

  it("tells the 404 of both", async () => {
    const { discovery } = lookUp({ [INSERTED]: response(404, ""), [APPENDED]: response(404, "") });
    expect(await thrownBy(() => discovery.metadata(1_000))).toMatchObject({
      message: 'discovery of "providers.main" was answered with status 404: check its issuer',
    });
  });
});

describe("a look-up", () => {
  it("asks for the document once, with the time that it may take", async () => {
    const { discovery, requests } = discover(response(200, { ...DOCUMENT, jwks_uri: "x" }));
    expect(await discovery.metadata(1_234)).toEqual(DOCUMENT);
    expect(requests).toEqual([
      {
        method: "GET",
        url: `${ISSUER}/.well-known/openid-configuration`,
        headers: {
          accept: "application/json",
          "accept-encoding": "identity",
          "user-agent": "nextauth-token-proxy",
        },
        timeout: 1_234,
        maxResponseBytes: 262_144,
      },
    ]);
  });

  it.each([
    ["a trailing slash", "https://idp.example", "https://idp.example/"],
    ["a missing slash", "https://idp.example/", "https://idp.example"],
    ["a port that is the default", "https://idp.example", "https://idp.example:443"],
    ["upper case", "https://idp.example", "https://IDP.example"],
    ["another path", "https://idp.example/a", "https://idp.example/b"],
    ["another host", "https://idp.example", "https://evil.example"],
    ["an encoded letter", "https://idp.example/a", "https://idp.example/%61"],
  ])("refuses another issuer's document, be the difference only %s", async (_, configured, found) => {
    const error = await failureOf(response(200, { ...DOCUMENT, issuer: found }), configured);
    expect(error.code).toBe("provider_error");
    expect(error.message).toBe(
      'discovery of "providers.main" found another issuer in the document: write issuer exactly as the provider does',
    );
  });

  it.each(["https://idp.example/", "https://idp.example:443", "https://IDP.example"])(
    "takes the document whose issuer is written as in the file: %s",
    async (issuer) => {
      const { discovery } = discover(response(200, { ...DOCUMENT, issuer }), issuer);
      expect((await discovery.metadata(1_000)).issuer).toBe(issuer);
    },
  );

  it("takes a document with a byte order mark, and a token endpoint letter for letter", async () => {
    const token_endpoint = "https://IDP.example:443/token?p=a";
    const { discovery } = discover(response(200, `\ufeff${JSON.stringify({ ...DOCUMENT, token_endpoint })}`));
    expect((await discovery.metadata(1_000)).token_endpoint).toBe(token_endpoint);
  });
});

describe("the endpoint for clients that authenticate by TLS", () => {
  const ALIAS = "https://mtls.idp.example/token";
  const withAlias = (mtls_endpoint_aliases: unknown) => response(200, { ...DOCUMENT, mtls_endpoint_aliases });
  const endpoint = async (aliases: unknown, byTls: boolean) =>
    (await discover(withAlias(aliases), ISSUER, byTls).discovery.metadata(1_000)).token_endpoint;

  it("is that of the document's aliases, for them alone", async () => {
    expect(await endpoint({ token_endpoint: ALIAS }, true)).toBe(ALIAS);
    expect(await endpoint({ token_endpoint: ALIAS }, false)).toBe(DOCUMENT.token_endpoint);
  });

  it.each([undefined, {}, null, "none"])("is the usual one where there is no other: %j", async (aliases) => {
    expect(await endpoint(aliases, true)).toBe(DOCUMENT.token_endpoint);
  });

  it("must be one of TLS, which is nothing to all other clients", async () => {
    const aliases = { token_endpoint: "http://mtls.idp.example/token" };
    expect(await thrownBy(() => endpoint(aliases, true))).toMatchObject({ code: "provider_error" });
    expect(await endpoint(aliases, false)).toBe(DOCUMENT.token_endpoint);
  });
});

describe("a look-up that fails", () => {
  const CHECK = "check its issuer";
  it.each<[string, TransportResponse | Error, string, string]>([
    [
      "HTML",
      response(200, "<html>"),
      "provider_not_json",
      `was answered with something that is not a JSON object: ${CHECK}`,
    ],
    [
      "no body",
      response(200, ""),
      "provider_not_json",
      `was answered with something that is not a JSON object: ${CHECK}`,
    ],
    [
      "bytes that are not UTF-8",
      response(200, Uint8Array.of(0x22, 0xff, 0x22)),
      "provider_not_json",
      `was answered with something that is not a JSON object: ${CHECK}`,
    ],
    [
      "a list",
      response(200, [DOCUMENT]),
      "provider_not_json",
      `was answered with something that is not a JSON object: ${CHECK}`,
    ],
    [
      "null",
      response(200, "null"),
      "provider_not_json",
      `was answered with something that is not a JSON object: ${CHECK}`,
    ],
    [
      "no issuer",
      response(200, { token_endpoint: "https://idp.example/t" }),
      "provider_error",
      "found no issuer or no token_endpoint in the document",
    ],
    [
      "no token endpoint",
      response(200, { issuer: ISSUER }),
      "provider_error",
      "found no issuer or no token_endpoint in the document",
    ],
    [
      "a token endpoint that is a number",
      response(200, { ...DOCUMENT, token_endpoint: 1 }),
      "provider_error",
      "found no issuer or no token_endpoint in the document",
    ],
    [
      "a token endpoint without TLS",
      response(200, { ...DOCUMENT, token_endpoint: "http://idp.example/token" }),
      "provider_error",
      "found a token_endpoint that must be an https URL (http only on loopback)",
    ],
    [
      "a token endpoint on this machine",
      response(200, { ...DOCUMENT, token_endpoint: "http://127.0.0.1/token" }),
      "provider_error",
      "found a token_endpoint that must be an https URL",
    ],
    [
      "a relative token endpoint",
      response(200, { ...DOCUMENT, token_endpoint: "/token" }),
      "provider_error",
      "found a token_endpoint that must be an absolute URL",
    ],
    [
      "a token endpoint with credentials",
      response(200, { ...DOCUMENT, token_endpoint: "https://a:b@idp.example/" }),
      "provider_error",
      "found a token_endpoint that must not contain a user name or password",
    ],
    [
      "a redirect",
      response(302, "", { location: "https://evil.example" }),
      "provider_redirected",
      "was answered with a redirect, which is never followed: correct its issuer",
    ],
    [
      "a permanent redirect",
      response(308, DOCUMENT),
      "provider_redirected",
      "was answered with a redirect, which is never followed: correct its issuer",
    ],
    ["a 404", response(404, "<html>"), "provider_error", `was answered with status 404: ${CHECK}`],
    ["a 500", response(500, DOCUMENT), "provider_error", `was answered with status 500: ${CHECK}`],
    ["a 203", response(203, DOCUMENT), "provider_error", `was answered with status 203: ${CHECK}`],
  ])("for %s says so", async (_, answer, code, what) => {
    const error = await failureOf(answer);
    expect(error.code).toBe(code);
    expect(error.message).toBe(`discovery of "providers.main" ${what}`);
    expect(error.detail).toEqual({ provider_status: (answer as TransportResponse).status });
  });

  it("because there was no answer says so, as any exchange does", async () => {
    const cause = new Error("connect ECONNREFUSED");
    const error = await failureOf(new TransportError("unreachable", cause));
    expect(error).toMatchObject({
      code: "provider_unreachable",
      message: 'the provider "providers.main" cannot be reached',
      cause,
    });
  });

  it("never repeats what was found", async () => {
    const canary = "Zq7xWv4kPj";
    for (const body of [
      canary,
      { issuer: canary, token_endpoint: canary },
      { ...DOCUMENT, token_endpoint: `http://${canary}` },
    ]) {
      const error = await failureOf(response(200, body));
      expect(JSON.stringify([error.message, error.detail, String(error.cause)])).not.toContain(canary);
    }
  });
});
