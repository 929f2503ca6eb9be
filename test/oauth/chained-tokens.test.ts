// Tokens of other providers in a token request: in which order they are requested, how long one is
// kept, and what becomes of an earlier provider's failure.

import { beforeEach, describe, expect, it } from "vitest";
import type { Audit, Runtime } from "../../src/core/ports.ts";
import { TransportError, type TransportRequest, type TransportResponse } from "../../src/core/transport.ts";
import { FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { buildApp, call } from "../support/app.ts";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { response, sha256, unsignedJwt } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";

const ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token";
const urlOf = (name: string) => `https://${name}.example/token`;
const nameOf = ({ url }: TransportRequest) => new URL(url).hostname.replace(".example", "");
const formOf = ({ body }: TransportRequest) => Object.fromEntries(new URLSearchParams(body));

const provider = (name: string, params: object, changes: object = {}) =>
  providerConfig(urlOf(name), { params, ...changes });
const BROKER = provider("broker", {}, { grant_type: "client_credentials", cache: true });
const HOME = provider("home", { userid: "{{userid}}" });
const EXCHANGE = {
  ...{ subject_token: "{{token.home}}", subject_token_type: ACCESS_TOKEN_TYPE },
  ...{ actor_token: "{{token.broker}}", actor_token_type: ACCESS_TOKEN_TYPE },
};
const exchange = (changes: object = {}) =>
  provider("retail", EXCHANGE, { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", ...changes });

type Built = Awaited<ReturnType<typeof setUp>>;

/** @param changes of the providers, by name */
async function setUp(changes: Record<string, object> = {}, deps: Partial<Runtime> = {}) {
  const providers = { retail: exchange(), home: HOME, broker: BROKER, ...changes };
  const keys = [{ kid: "k", alg: "ES256", private_key: { env: "KEY" } }];
  const built = await buildApp({
    file: {
      get_token: { provider: "retail", timeout: "8s" },
      providers,
      signing: { keys, issuer: "https://p.example" },
    },
    secrets: { KEY: (await makeKey("ES256")).pem },
    deps: { sharesPromises: true, ...deps },
  });
  const { app, upstream } = built;
  let count = 0;
  const token = (request: TransportRequest, members: object = {}) => {
    count += 1;
    return response(200, { access_token: `token-${count}-of-${nameOf(request)}`, expires_in: 600, ...members });
  };
  const answers: Record<string, (request: TransportRequest) => TransportResponse | Promise<TransportResponse>> = {};
  upstream.answer = (request) => (answers[nameOf(request)] ?? token)(request);
  return {
    ...built,
    answers,
    token,
    async getToken(userid = "alice", signal?: AbortSignal) {
      const answered = await app.request(new Request(call({ body: { ...CALL, userid } }), signal ? { signal } : {}));
      return { status: answered.status, text: await answered.text() };
    },
    /** Who was asked since the last look, in order. */
    asked: () => upstream.requests.splice(0).map((request) => nameOf(request)),
  };
}

let built: Built;
beforeEach(async () => {
  built = await setUp();
});

/** Holds back the answers of a provider. @returns a function that lets them go */
function hold({ answers, token }: Built, name: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  answers[name] = async (request) => {
    await promise;
    return token(request);
  };
  return resolve;
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
};

describe("the tokens that a request contains", () => {
  it("are requested at the same time, before it, and only its own answer is relayed", async () => {
    const release = [hold(built, "home"), hold(built, "broker")];
    const answer = built.getToken();
    await turns();
    expect(built.upstream.requests.map(nameOf)).toEqual(["home", "broker"]);
    for (const each of release) each();
    expect((await answer).text).toMatch(/^\{"access_token":"token-3-of-retail"/);
    const { subject_token, actor_token } = formOf(built.upstream.requests[2] as TransportRequest);
    expect([subject_token, actor_token]).toEqual(["token-1-of-home", "token-2-of-broker"]);
  });

  it("can be another member, and in a header, JSON or a claim", async () => {
    const params = { details: { json: { actor: "{{token.broker}}" } }, assertion: "{{jwt.acting}}" };
    const headers = { "X-Identity": "{{token.home.id_token}}", "X-Odd": "{{token.home.odd.member}}" };
    const jwt = { acting: { claims: { act: "{{token.broker}}" } } };
    const { answers, token, getToken, upstream } = await setUp({
      retail: provider("retail", params, { headers, jwt }),
    });
    answers.home = (request) => token(request, { id_token: "the-id-token", "odd.member": "odd" });
    answers.broker = (request) => token(request, { access_token: 'a"b' });
    expect((await getToken()).status).toBe(200);
    const request = upstream.requests.at(-1) as TransportRequest;
    const { details = "", assertion = "" } = formOf(request);
    expect(JSON.parse(details)).toEqual({ actor: 'a"b' });
    expect(JSON.parse(atob(assertion.split(".")[1] ?? "")).act).toBe('a"b');
    expect(request.headers).toMatchObject({ "x-identity": "the-id-token", "x-odd": "odd" });
  });

  it("are requested once in a call, although two providers need one of them", async () => {
    const middle = provider("middle", { of: "{{token.home}}" });
    const retail = provider("retail", { a: "{{token.middle}}", b: "{{token.home}}" });
    const { getToken, asked, upstream } = await setUp({ retail, middle, broker: provider("broker", {}) });
    expect((await getToken()).status).toBe(200);
    expect(formOf(upstream.requests[1] as TransportRequest).of).toBe("token-1-of-home");
    expect(formOf(upstream.requests[2] as TransportRequest)).toMatchObject({
      a: "token-2-of-middle",
      b: "token-1-of-home",
    });
    expect(asked()).toEqual(["home", "middle", "retail"]);
  });

  it("are never those of another call", async () => {
    const release = hold(built, "home");
    const calls = [built.getToken("alice"), built.getToken("bob"), built.getToken("alice")];
    await turns();
    release();
    await Promise.all(calls);
    const requests = built.upstream.requests.map((request) => [nameOf(request), formOf(request)] as const);
    const users = requests.filter(([name]) => name === "home").map(([, { userid }]) => userid);
    expect(users).toEqual(["alice", "bob", "alice"]);
    const exchanged = requests.filter(([name]) => name === "retail").map(([, { subject_token }]) => subject_token);
    expect(new Set(exchanged).size).toBe(3);
  });

  it("are not requested if the call lacks a value that one of the requests needs", async () => {
    const { app, asked } = await setUp({ home: provider("home", { accountid: "{{accountid}}" }) });
    const answer = await app.request(call({ body: { serverid: "s", userid: "alice" } }));
    expect(await answer.json()).toMatchObject({
      error_code: "call_invalid",
      error_description: 'the call has no value "accountid", which "providers.retail" needs',
    });
    expect(asked()).toEqual([]);
  });

  it("are not requested in vain for a provider that is suspended", async () => {
    built.answers.retail = () => response(500, {});
    for (let call = 0; call < FAILURES_BEFORE_SUSPENSION; call++) await built.getToken();
    built.asked();
    expect(JSON.parse((await built.getToken()).text).error_code).toBe("provider_suspended");
    expect(built.asked()).toEqual([]);
    built.clock.advance(SUSPENSION_MS);
    built.answers.retail = built.token;
    expect((await built.getToken()).status).toBe(200);
  });

  it("appear in log and metrics with their time, unless they were kept", async () => {
    await built.getToken();
    await built.getToken();
    const fields = built.lines.map(({ fields: { provider: name, attempts, token_home_ms, token_broker_ms } }) => ({
      ...{ name, attempts, token_home_ms, token_broker_ms },
    }));
    expect(fields).toEqual([
      { name: "retail", attempts: 1, token_home_ms: 0, token_broker_ms: 0 },
      { name: "retail", attempts: 1, token_home_ms: 0, token_broker_ms: undefined },
    ]);
  });
});

it("only the token for the caller is announced to the audit, before its request", async () => {
  const announced: unknown[] = [];
  const audit: Audit = {
    sha256,
    intent: async ({ provider, scope }) => void announced.push({ provider, scope, asked: seen.asked() }),
    result: ({ outcome }) => void announced.push(outcome),
  };
  const home = provider("home", {}, { scope: "openid {{userid}}" });
  const seen = await setUp({ home, retail: exchange({ scope: "accounts" }) }, { audit });
  await seen.getToken();
  expect(announced).toEqual([{ provider: "retail", scope: "accounts", asked: ["home", "broker"] }, "token"]);
});

describe("a failure of an earlier provider", () => {
  it("that refuses the user is relayed, byte for byte, and ends the call", async () => {
    const body = '{ "error":"invalid_grant", "error_description":"no such user"}\n';
    built.answers.home = () => response(400, body);
    built.answers.broker = () => response(500, {});
    expect(await built.getToken()).toEqual({ status: 400, text: body });
    expect(built.asked()).toEqual(["home", "broker"]);
    expect(built.reports[0]).toMatchObject({ provider: "home", outcome: "refused", provider_error: "invalid_grant" });
  });

  it("that does not concern the user names this provider", async () => {
    built.answers.home = () => response(401, { error: "invalid_client" });
    const { text } = await built.getToken();
    expect(JSON.parse(text)).toMatchObject({ error_code: "provider_rejected_proxy" });
    expect(text).toContain("providers.home");
    expect(built.asked()).toEqual(["home", "broker"]);
    expect(built.reports[0]).toMatchObject({ provider: "home", error_code: "provider_rejected_proxy" });
  });

  it("that refuses a request about no user is no refusal", async () => {
    built.answers.broker = () => response(400, { error: "access_denied", error_description: "locked" });
    const { text } = await built.getToken();
    expect(JSON.parse(text)).toMatchObject({ error_code: "provider_rejected_proxy" });
    expect(text).toContain("providers.broker");
    expect(built.lines[0]?.fields).toMatchObject({ provider: "broker", provider_error_description: "locked" });
  });

  it.each([[{}], [{ id_token: "" }], [{ id_token: 7 }]])(
    "that sends no text as the member (%j) names both",
    async (members) => {
      const { answers, token, getToken, asked } = await setUp({
        retail: provider("retail", { t: "{{token.home.id_token}}" }),
        broker: HOME,
      });
      answers.home = (request) => token(request, members);
      expect(JSON.parse((await getToken()).text)).toMatchObject({
        error_code: "provider_no_token",
        error_description: 'the provider "providers.home" sent no id_token, which "providers.retail" needs',
      });
      expect(asked()).toEqual(["home"]);
    },
  );

  it("whose token does not fit into the request is not the caller's", async () => {
    const { answers, token, getToken, asked } = await setUp({
      retail: provider("retail", {}, { headers: { "X-Home": "{{token.home}}" } }),
      broker: HOME,
    });
    answers.home = (request) => token(request, { access_token: "two\nlines" });
    const { status, text } = await getToken();
    expect([status, JSON.parse(text).error_code]).toEqual([502, "provider_no_token"]);
    expect(text).toContain('{{token.home}} does not fit into \\"providers.retail.headers.X-Home\\"');
    expect(asked()).toEqual(["home"]);
  });

  it("that uses up the call's time names its step", async () => {
    built.answers.home = (request) => {
      built.clock.advance(request.timeout);
      throw new TransportError("timeout");
    };
    expect((await built.getToken()).text).toContain('the provider \\"providers.home\\" did not answer in time');
    const { getToken, answers, clock } = await setUp({ home: { ...HOME, timeout: "1m" } });
    answers.home = (request) => {
      clock.advance(request.timeout);
      throw new TransportError("timeout");
    };
    expect((await getToken()).text).toContain('was used up by the token request of \\"providers.home\\"');
  });
});

describe("a token of another provider is a credential", () => {
  const said = (error_description: string) => response(400, { error: "invalid_grant", error_description });

  it.each(["home", "broker"])("so a refusal that repeats that of %s is not relayed, and not logged", async (name) => {
    built.answers[name] = (request) => built.token(request, { access_token: "a-credential-of-24-chars" });
    built.answers.retail = () => said("what is a-credential-of-24-chars?");
    const { status, text } = await built.getToken();
    expect([status, JSON.parse(text).error_code]).toEqual([502, "provider_error"]);
    expect(JSON.stringify(built.lines)).not.toContain("a-credential");
    built.answers.retail = () =>
      response(401, { error: "invalid_token", error_description: "a-credential-of-24-chars" });
    await built.getToken();
    expect(built.lines.at(-1)?.fields.provider_error_description).toBe("[redacted]");
  });

  it("and not the user's, so a later invalid_request about it is a fault of the setup", async () => {
    built.answers.retail = () => response(400, { error: "invalid_request" });
    expect(JSON.parse((await built.getToken()).text).error_code).toBe("provider_rejected_proxy");
  });

  it("although it is in a header, and spelt in base64", async () => {
    const retail = provider("retail", {}, { headers: { "X-Actor": "{{token.broker}}" } });
    const { answers, token, getToken } = await setUp({ retail });
    answers.broker = (request) => token(request, { access_token: "a-credential-of-24-chars" });
    answers.retail = () => said(btoa("Bearer a-credential-of-24-chars"));
    expect(JSON.parse((await getToken()).text).error_code).toBe("provider_error");
  });

  const KEPT = "a/credential-of-24-chars";
  it.each<[string, TransportResponse]>([
    ["as it is", response(200, { access_token: KEPT })],
    ["with an escaped slash", response(200, `{"access_token":"${KEPT.replace("/", "\\/")}"}`)],
    ["with an escaped letter", response(200, `{"access_token":"${KEPT.replace("c", "\\u0063")}"}`)],
    ["in the Content-Type", response(200, { access_token: "t" }, { "content-type": `text/plain;t=${KEPT}` })],
  ])("so a kept one %s is never in a response", async (_where, answer) => {
    built.answers.broker = (request) => built.token(request, { access_token: KEPT });
    built.answers.retail = () => answer;
    expect(JSON.parse((await built.getToken()).text)).toMatchObject({ error_code: "provider_error" });
  });
});

describe("a kept token", () => {
  const jwt = (exp: unknown) => unsignedJwt({ exp });
  const inSeconds = (seconds: number) => Math.floor(built.clock.now() / 1_000) + seconds;
  const NOW = 1_795_435_200; // that of the fake clock, in seconds

  it.each([
    [{ expires_in: 600 }, 570],
    [{ expires_in: 40 }, 30],
    [{ expires_in: 0.5 }, 0.375],
    [{ expires_in: "600" }, 0],
    [{ expires_in: 0 }, 0],
    [{ expires_in: -600 }, 0],
    [{ expires_in: undefined }, 0],
    [{ expires_in: "600", access_token: jwt(NOW + 100) }, 75],
    [{ expires_in: undefined, access_token: jwt(NOW + 1_000) }, 970],
    [{ expires_in: 600, access_token: jwt(NOW + 1_000) }, 570],
    [{ expires_in: undefined, access_token: jwt(NOW - 1_000) }, 0],
    [{ expires_in: undefined, access_token: jwt("soon") }, 0],
  ])("of %j is used for %d seconds", async (members, seconds) => {
    expect(inSeconds(0)).toBe(NOW);
    built.answers.broker = (request) => built.token(request, members);
    await built.getToken();
    built.asked();
    built.clock.advance(seconds * 1_000 - 1);
    if (seconds > 0) {
      await built.getToken();
      expect(built.asked()).toEqual(["home", "retail"]);
    }
    built.clock.advance(1);
    await built.getToken();
    expect(built.asked()).toEqual(["home", "broker", "retail"]);
  });

  it.each<[string, object, TransportResponse, boolean]>([
    ["an error of the request", {}, response(401, { error: "invalid_token" }), true],
    ["an unexplained refusal", {}, response(400, { error: "invalid_grant" }), true],
    ["an error of the request in a 200", {}, response(200, { error: "invalid_request" }), true],
    [
      "a refusal that is known to be about the user",
      { user_errors: ["invalid_grant"] },
      response(400, { error: "invalid_grant" }),
      false,
    ],
    ["an outage", {}, response(500, {}), false],
    ["an outage in a 400", {}, response(400, { error: "server_error" }), true],
    ["a limit", {}, response(429, {}), false],
    ["an answer without a token", {}, response(200, {}), false],
  ])("after %s", async (_what, changes, answer, isForgotten) => {
    const { answers, getToken, asked } = await setUp({ retail: exchange(changes) });
    await getToken();
    answers.retail = () => answer;
    await getToken();
    asked();
    await getToken();
    expect(asked()).toEqual(isForgotten ? ["home", "broker", "retail"] : ["home", "retail"]);
  });

  it("stays if another token of the request is unusable, which is the one that is named", async () => {
    const { answers, token, getToken, asked, lines } = await setUp({
      retail: provider("retail", { a: "{{token.broker}}", b: "{{token.home.id_token}}" }),
    });
    answers.home = (request) => token(request);
    expect(JSON.parse((await getToken()).text)).toMatchObject({ error_code: "provider_no_token" });
    expect(lines.at(-1)?.fields).toMatchObject({ provider: "home", error_code: "provider_no_token" });
    asked();
    await getToken();
    expect(asked()).toEqual(["home"]);
  });

  it("stays if it is newer than the one that was rejected", async () => {
    const { answers, token, getToken, asked, clock } = built;
    const { promise, resolve } = Promise.withResolvers<TransportResponse>();
    answers.retail = () => promise;
    const late = getToken("alice");
    await turns();
    clock.advance(590_000); // the first one is no longer kept
    answers.retail = token;
    await getToken("bob");
    resolve(response(401, { error: "invalid_token" }));
    expect(JSON.parse((await late).text)).toMatchObject({ error_code: "provider_rejected_proxy" });
    asked();
    await getToken("carol");
    expect(asked()).toEqual(["home", "retail"]);
  });

  it("is requested with no value of the call", async () => {
    await built.getToken("alice");
    const request = built.upstream.requests.find((each) => nameOf(each) === "broker");
    expect(formOf(request as TransportRequest)).toEqual({ grant_type: "client_credentials" });
    expect(request?.recipient).toBeUndefined();
  });

  it("is requested once for all calls that wait for it, and goes on without those that hang up", async () => {
    const release = hold(built, "broker");
    const caller = new AbortController();
    const calls = [built.getToken("alice", caller.signal), built.getToken("bob"), built.getToken("carol")];
    await turns();
    caller.abort();
    await turns();
    expect(JSON.parse((await (calls[0] as (typeof calls)[0])).text)).toMatchObject({ error_code: "caller_gone" });
    release();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([499, 200, 200]);
    expect(built.asked().filter((name) => name === "broker")).toHaveLength(1);
  });

  it.each<[string, object, object]>([
    ["lacks the member", { t: "{{token.broker.id_token}}" }, {}],
    ["does not fit into the request", { t: "{{token.broker}}|{{userid}}" }, { access_token: "a|b" }],
  ])("is requested again if it %s", async (_how, params, members) => {
    const { answers, token, getToken, asked } = await setUp({ retail: provider("retail", params) });
    answers.broker = (request) => token(request, members);
    expect(JSON.parse((await getToken()).text)).toMatchObject({ error_code: "provider_no_token" });
    answers.broker = (request) => token(request, { id_token: "id-of-the-broker" });
    expect(await getToken()).toMatchObject({ status: 200 });
    expect(asked()).toEqual(["broker", "broker", "retail"]);
  });

  it("is requested again after it could not be had", async () => {
    const { answers, getToken, asked, token } = built;
    answers.broker = () => response(500, {});
    expect((await Promise.all([getToken(), getToken()])).map(({ status }) => status)).toEqual([502, 502]);
    answers.broker = token;
    expect((await getToken()).status).toBe(200);
    expect(asked().filter((name) => name === "broker")).toHaveLength(2);
  });

  it("is requested by each call until there is one where calls cannot share promises, as on Workers", async () => {
    const worker = await setUp({}, { sharesPromises: false });
    const release = hold(worker, "broker");
    const calls = [worker.getToken("alice"), worker.getToken("bob")];
    await turns();
    expect(worker.upstream.requests.filter((request) => nameOf(request) === "broker")).toHaveLength(2);
    release();
    await Promise.all(calls);
    worker.asked();
    await worker.getToken();
    expect(worker.asked()).toEqual(["home", "retail"]);
  });
});
