// Rules for a provider's token in the request of another provider.

import { expect, it } from "vitest";
import { faultsOf } from "./file.ts";

const PROVIDER = { token_endpoint: "https://idp.example/token", client_id: "c", client_secret: { env: "S" } };

interface Provider {
  params?: object;
  [key: string]: unknown;
}

const using = (...names: string[]): Provider => ({
  params: Object.fromEntries(names.map((name, index) => [`p${index}`, `{{${name}}}`])),
});

/** @returns the faults without their positions */
function faultsIn(providers: Record<string, Provider>, file: object = {}): string[] {
  const all = Object.entries(providers).map(([name, keys]) => [name, { ...PROVIDER, grant_type: "x", ...keys }]);
  const text = JSON.stringify({
    version: 1,
    callers: { ns: { apikeys: [{ env: "K" }] } },
    get_token: { session: "trust", provider: "retail" },
    providers: Object.fromEntries(all),
    ...file,
  });
  return faultsOf(text).map((fault) => fault.replace(/^f\.yaml:\d+:\d+ /, ""));
}

const BROKER = { cache: true };

it("accepts tokens of other providers, of which some are kept", () => {
  const providers = { retail: using("token.home", "token.home.id_token", "token.broker"), broker: BROKER };
  expect(faultsIn({ ...providers, home: using("userid", "token.broker") })).toEqual([]);
});

it("reports a name that is no provider, with the one that was meant", () => {
  expect(faultsIn({ retail: using("token.hone", "token.elsewhere.id_token"), home: {} })).toEqual([
    '"providers.retail.params.p0" uses {{token.hone}}, but there is no provider "hone"; did you mean "home"?',
    '"providers.retail.params.p1" uses {{token.elsewhere.id_token}}, but there is no provider "elsewhere"',
  ]);
});

it("reports each provider of a cycle", () => {
  const cycle = (name: string, members: string) =>
    `"providers.${name}" needs its own token: {{token.…}} is a cycle (${members})`;
  expect(faultsIn({ retail: using("token.a"), a: using("token.b"), b: using("token.a.id_token") })).toEqual([
    cycle("a", "b, a"),
    cycle("b", "a, b"),
  ]);
  expect(faultsIn({ retail: using("token.retail") })).toEqual([cycle("retail", "retail")]);
});

it.each<[string, Provider, string]>([
  ["a parameter", using("userid"), "userid"],
  ["the scope", { scope: "x {{accountid}}" }, "accountid"],
  ["a header", { headers: { "X-S": "{{serverid}}" } }, "serverid"],
  ["JSON", { params: { a: { json: [{ of: "{{userid}}" }] } } }, "userid"],
  ["a default parameter", { grant_type: "authorization_code" }, "nonce"],
  [
    "a claim",
    { params: { a: "{{jwt.a}}" }, jwt: { a: { claims: { sub: null, act: { sub: "{{nonce}}" } } } } },
    "nonce",
  ],
  ["a default claim", { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer" }, "userid"],
  [
    "the client assertion",
    { token_endpoint_auth_method: "client_secret_jwt", client_assertion: { claims: { u: "{{userid}}" } } },
    "userid",
  ],
  ["an expectation", { expect_subject: "access_token.sub" }, "userid"],
  ["an attribute", using("attributes.branch"), "attributes.branch"],
  ["another provider", using("token.home"), "userid"],
  ["a provider behind another", using("token.between"), "userid"],
])("refuses to keep a token that %s makes one of a call", (_what, broker, name) => {
  const providers = {
    retail: using("token.broker"),
    broker: { ...broker, cache: true },
    home: using("userid"),
    between: using("token.home"),
  };
  const nextauth = { url: "https://ns.example", apikey: { env: "N" }, serverid: "s" };
  const keys = [{ kid: "k", alg: "ES256", private_key: { env: "P" } }];
  const file = { nextauth, signing: { issuer: "https://p.example", keys } };
  expect(faultsIn(providers, file)).toEqual([
    `"providers.broker.cache" must be false, because {{${name}}} makes each token one of the call's user`,
  ]);
});

it("refuses to give callers a token that is kept", () => {
  const providers = { retail: using("token.broker"), broker: BROKER };
  const problem = 'is "broker", which has cache: true and so is for other providers only';
  const trust = { session: "trust" };
  expect(faultsIn(providers, { get_token: { ...trust, provider: "broker" } })).toEqual([
    `"get_token.provider" ${problem}`,
  ]);
  const routes = [{ serverid: "a", provider: "retail" }, { provider: "broker" }];
  expect(faultsIn(providers, { get_token: trust, routes })).toEqual([`"routes[1].provider" ${problem}`]);
  const nextauth = { url: "https://ns.example", apikey: { env: "N" }, serverid: "s" };
  expect(faultsIn(providers, { nextauth, webnonce_exchange: { provider: "broker" } })).toEqual([
    `"webnonce_exchange.provider" ${problem}`,
  ]);
});
