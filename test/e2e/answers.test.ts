// What the nextAuth Server gets, as the file says: statuses, refusals in our own words, other
// tokens than a JSON object with an access_token, and a provider for each binding.

import { describe, expect, it } from "vitest";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectError, expectProviderError, MARKER } from "../support/expect-error.ts";
import { useProxy } from "../support/proxy.ts";
import { type Answer, json, respond } from "../support/recording-provider.ts";

const STATUSES = { user_refusals: 409, call_errors: 422, our_errors: 500, provider_busy: 529 };

/** The bindings name their providers, so the file needs no routes. */
const proxy = useProxy({
  file: (tokenEndpoint: string) => ({
    providers: {
      main: providerConfig(tokenEndpoint),
      second: providerConfig(`${tokenEndpoint}/second`, { grant_type: "urn:example:second" }),
      id: providerConfig(tokenEndpoint, { answer: { require: ["id_token", "the ticket"] } }),
      any: providerConfig(tokenEndpoint, { answer: { format: "any" }, max_response_bytes: 1_000 }),
    },
    get_token: [
      { path: "/main", provider: "main" },
      { path: "/second", provider: "second" },
      { path: "/id", provider: "id" },
      { path: "/any", provider: "any" },
      { path: "/mapped", provider: "main", answer: { statuses: STATUSES } },
      { path: "/own", provider: "main", answer: { refusals: "own" } },
      { path: "/own/mapped", provider: "main", answer: { refusals: "own", statuses: { provider_refused_user: 451 } } },
    ],
  }),
});

function answered(path: string, answer: Answer, body: unknown = CALL) {
  proxy.provider.answer = answer;
  return proxy.call({ path, body });
}

const REFUSAL = ` {"error":"invalid_grant", "error_description":"${MARKER}"}\n`;
const refusal = (status = 400) => json(REFUSAL, status, { "X-Vendor": MARKER });
const JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.";

describe("the statuses of a binding", () => {
  it("apply to a refusal of the provider, whose bytes stay", async () => {
    for (const status of [400, 403, 200]) {
      expect(await answered("/mapped", refusal(status))).toMatchObject({ status: 409, text: REFUSAL });
    }
    expect(await answered("/main", refusal(403))).toMatchObject({ status: 403, text: REFUSAL });
  });

  it("apply to every error of the call's class, and one of a code wins", async () => {
    const calls = [
      [await answered("/mapped", json("{}"), {}), 422, "call_invalid"],
      [await answered("/mapped", json("{}")), 500, "provider_no_token"],
      [await answered("/mapped", respond({ status: 429, headers: { "Retry-After": "7" } })), 529, "provider_busy"],
      [await proxy.call({ path: "/mapped", headers: { "X-apikey": "wrong" } }), 422, "caller_unauthenticated"],
    ] as const;
    for (const [answer, status, error_code] of calls) {
      expect([answer.status, answer.json().error_code]).toEqual([status, error_code]);
    }
    expect(calls[2][0].headers["retry-after"]).toBe("7");
    expect(calls[3][0].headers["www-authenticate"]).toBeDefined();
  });

  it("apply neither to a token nor to requests that are no call of this binding", async () => {
    expect((await proxy.call({ path: "/mapped" })).status).toBe(200);
    expectError(await proxy.call({ path: "/mapped", method: "PUT" }), "method_not_allowed");
    expectError(await proxy.call({ path: "/mapped/" }), "not_found");
    expectProviderError(await answered("/main", json("{}")), "provider_no_token");
  });
});

describe("refusals: own", () => {
  it("sends our own error, with nothing of what the provider sent", async () => {
    for (const status of [400, 403, 200]) {
      // This also compares all headers, and looks for the marker.
      expectProviderError(await answered("/own", refusal(status)), "provider_refused_user");
    }
    const { status, text } = await answered("/own/mapped", refusal());
    expect([status, JSON.parse(text).error_code]).toEqual([451, "provider_refused_user"]);
    expect(text).not.toContain(MARKER);
  });

  it("changes neither tokens nor other errors", async () => {
    expect((await proxy.call({ path: "/own" })).status).toBe(200);
    expectProviderError(await answered("/own", json({ error: "invalid_client" }, 400)), "provider_rejected_proxy");
  });
});

describe("the provider of a binding", () => {
  it("gets the calls of that binding, without any routes", async () => {
    for (const path of ["/main", "/second"]) expect((await proxy.call({ path })).status).toBe(200);
    expect(proxy.provider.requests.map(({ url }) => url)).toEqual(["/token", "/token/second"]);
    expect(new URLSearchParams(proxy.provider.requests[1]?.body).get("grant_type")).toBe("urn:example:second");
  });
});

describe("answer.require", () => {
  it("relays a JSON object with these members, and no other", async () => {
    const body = `{ "id_token":"${JWT}",\t"the ticket":"caf\\u00e9" }\n`;
    expect(await answered("/id", json(body, 201))).toMatchObject({ status: 201, text: body });
  });
});

describe("answer.format: any", () => {
  const typed = (type: string, body: string | Buffer, status = 200) =>
    respond({ status, headers: { "Content-Type": type, "X-Vendor": "1" }, body });

  it("relays a body of any kind, with its status and type", async () => {
    for (const body of [Buffer.from(`${JWT}\r\n`), Buffer.from([0x00, 0xff, 0xfe, 0x0a]), Buffer.from("[1]")]) {
      const answer = await answered("/any", typed("application/jwt", body, 201));
      expect([answer.status, answer.body, answer.headers["content-type"]]).toEqual([201, body, "application/jwt"]);
      expect(answer.headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
      expect(answer.headers).not.toHaveProperty("x-vendor");
    }
    const untyped = await answered("/any", respond({ body: JWT }));
    expect(untyped.headers["content-type"]).toBe("application/octet-stream");
  });

  it("asks for JSON first, because some report an error in another format with status 200", async () => {
    await answered("/any", typed("application/jwt", JWT));
    await answered("/main", json({ access_token: "t" }));
    expect(proxy.provider.requests.map(({ headers }) => headers.accept)).toEqual([
      "application/json, */*;q=0.5",
      "application/json",
    ]);
  });

  it("relays nothing that is larger than the file allows", async () => {
    const answer = await answered("/any", typed("application/jwt", "a".repeat(1_001)));
    expectProviderError(answer, "provider_too_large", "providers.any");
  });
});
