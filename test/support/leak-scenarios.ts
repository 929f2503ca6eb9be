// Calls that end in each row of the error table, with canaries in all that is sent and answered.

import { CALL, type CallOptions } from "./call.ts";
import type { Canary } from "./canaries.ts";
import { CANARIES as C, WORDS, type World } from "./leak-world.ts";
import { head, raw, thenClose } from "./raw-answers.ts";
import { json, type RecordingProvider, respond } from "./recording-provider.ts";

/** A call with every value that a call can have. */
export function callOf(serverid: string, { headers, ...changes }: CallOptions = {}): CallOptions {
  return {
    body: { ...CALL, serverid, userid: C.userid.text },
    ...changes,
    headers: { "X-apikey": C.apikey.text, "X-nonce": C.nonce.text, "X-user-token": C.userToken.text, ...headers },
  };
}

const exchangeOf = (form: Record<string, string>): CallOptions => ({
  path: "/token",
  body: new URLSearchParams(form).toString(),
  headers: { "X-apikey": undefined, "X-nonce": undefined, "Content-Type": "application/x-www-form-urlencoded" },
});

const loggedIn = (userid = C.userid.text) => Response.json({ loggedin: true, userid, accountid: 7 });
const TOKEN = { access_token: C.token.text, refresh_token: C.token.text, token_type: "Bearer", sub: C.userid.text };
const no = { error_description: `${WORDS.text} ${C.userid.text}`, mfa_token: C.mfaToken.text };
const bad = { ...no, sent: C.clientSecret.text, page: C.page.text };

/** How a provider may write what it was sent. test/oauth/redaction.test.ts has more. */
const SPELLINGS: Record<string, (text: string) => string> = {
  "as it is": (text) => text,
  "in base64": (text) => Buffer.from(`id:${text}`).toString("base64"),
};
const SENT = [C.clientSecret, C.param, C.header, C.userid, C.nonce, C.userToken];
const never = () => {};
const PAGE = `<html>${C.page.text} ${C.token.text} ${C.userid.text}</html>`;
const ATTRIBUTES = { iban: C.attribute.text };

/** `code` is the expected error_code, `token` or `refused`; `a|b` if runtimes differ. */
export interface Scenario {
  what: string;
  code: string;
  call: CallOptions;
  provider?: RecordingProvider["answer"];
  session?: () => Response | Promise<Response>;
  attributes?: () => Response | Promise<Response>;
  /** How often the call is made; the last response counts. */
  times?: number;
}

const at = (what: string, code: string, serverid: string, more: Partial<Scenario> = {}): Scenario => ({
  what,
  code,
  call: callOf(serverid),
  ...more,
});
const page = (status: number) => () => new Response(PAGE, { status });
const wrongKey = callOf("main", { headers: { "X-apikey": C.wrongApikey.text } });
const broken = callOf("main", { body: `{"userid":"${C.garbage.text}` });
const exchange = exchangeOf({ grant_type: "authorization_code", code: C.nonce.text, code_verifier: C.garbage.text });

export const SCENARIOS: Scenario[] = [
  at("a token", "token", "main"),
  at("a token for signed assertions", "token", "signed"),
  at("a token by an attribute", "token", "attributes"),
  at("a token whose subject is right", "token", "subject"),
  { what: "a token for a webNonce", code: "token", call: exchange },
  { what: "a wrong key", code: "caller_unauthenticated", call: wrongKey },
  {
    what: "a strange serverid",
    code: "caller_not_allowed",
    call: callOf(C.garbage.text, { headers: { "X-apikey": C.limitedApikey.text } }),
  },
  { what: "a serverid without a route", code: "no_route", call: callOf(C.garbage.text) },
  { what: "a body that is not JSON", code: "call_invalid", call: broken },
  {
    what: "a body that is too large",
    code: "call_too_large",
    call: callOf("main", { body: C.garbage.text.repeat(3_000) }),
  },
  {
    what: "a userid with a control character",
    code: "call_invalid",
    call: callOf("main", { body: { serverid: "main", userid: `${C.garbage.text}\n` } }),
  },
  {
    what: "a nonce beyond ASCII",
    code: "call_invalid",
    call: callOf("main", { headers: { "X-nonce": `${C.nonce.text}é` } }),
  },
  {
    what: "a wrong method",
    code: "method_not_allowed",
    call: callOf("main", { method: "PUT", path: `/getToken?${encodeURIComponent(C.garbage.text)}` }),
  },
  {
    what: "an unknown path",
    code: "not_found",
    call: callOf("main", { path: `/${encodeURIComponent(C.garbage.text)}` }),
  },
  at("nobody logged in", "session_not_logged_in", "main", { session: () => Response.json({ loggedin: false }) }),
  at("somebody else logged in", "session_mismatch", "main", { session: () => loggedIn(C.otherUserid.text) }),
  at("a nextAuth Server that fails", "session_check_failed", "main", { session: page(500) }),
  at("a nextAuth Server that knows no such key", "session_check_failed", "main", { session: page(401) }),
  at("a nextAuth Server that answers a page", "session_check_failed", "main", { session: page(200) }),
  at("a nextAuth Server that redirects", "session_check_failed", "main", {
    session: () => new Response(PAGE, { status: 302, headers: { Location: `/${encodeURIComponent(C.page.text)}` } }),
  }),
  at("a nextAuth Server that says nothing", "session_check_timeout", "mute_session", {
    session: () => new Promise(never),
  }),
  at("no such attribute", "attribute_missing", "attributes", {
    attributes: () => Response.json({ other: C.attribute.text }),
  }),
  at("attributes that fail", "attributes_failed", "attributes", { attributes: page(500) }),
  at("attributes in HTML", "attributes_failed", "attributes", { attributes: page(200) }),
  at("attributes that never come", "attributes_timeout", "mute_attributes", { attributes: () => new Promise(never) }),
  {
    what: "another grant",
    code: "grant_type_unsupported",
    call: exchangeOf({ grant_type: C.garbage.text, code: C.nonce.text }),
  },
  { what: "a webNonce too often", code: "rate_limited", call: exchange, times: 5 },
  at("a refusal of the user", "refused", "main", { provider: json({ error: "mfa_required", ...no }, 403) }),
  at("a refusal in a 200", "refused", "main", { provider: json({ error: "interaction_required", ...no }) }),
  at("a refusal with an unknown code", "refused", "main", { provider: json({ error: "vendor_code", ...no }, 403) }),
  at("a sentence", "provider_rejected_proxy", "main", { provider: json({ error: WORDS.text, ...no }, 403) }),
  at("a refusal that repeats the client's secret", "provider_error", "main", {
    provider: json({ error: "mfa_required", ...bad }, 403),
  }),
  at("a 401 with an unknown code", "provider_rejected_proxy", "main", {
    provider: json({ error: WORDS.text, ...bad }, 401),
  }),
  ...Object.entries(SPELLINGS).flatMap(([how, spell]) =>
    SENT.map((canary) =>
      at(`a rejection that repeats ${canary.name} ${how}`, "provider_rejected_proxy", "main", {
        provider: json(
          {
            error: spell(canary.text),
            error_description: `sent: ${spell(canary.text)}.`,
            error_uri: `https://x/?${spell(canary.text)}`,
          },
          401,
        ),
      }),
    ),
  ),
  at("a rejection that repeats the assertion", "provider_rejected_proxy", "signed", {
    provider: (socket, request) => {
      const sent = [...new URLSearchParams(request.body).values()].join(" ");
      json({ error: "invalid_client", error_description: sent, error_uri: encodeURIComponent(sent) }, 401)(
        socket,
        request,
      );
    },
  }),
  at("a rejection of the proxy", "provider_rejected_proxy", "main", {
    provider: json({ error: "invalid_client", ...bad }, 401),
  }),
  at("an error that is a secret", "provider_error", "main", { provider: json({ error: C.param.text, ...bad }, 500) }),
  at("a busy provider", "provider_busy", "main", {
    provider: respond({ status: 429, body: PAGE, headers: { "Retry-After": "1" } }),
  }),
  at("a provider that fails", "provider_error", "main", { provider: respond({ status: 500, body: PAGE }) }),
  at("an answer that is not HTTP", "provider_error|provider_unreachable", "main", {
    provider: thenClose(raw(`HTTP/9 ${PAGE}\r\n\r\n`)),
  }),
  at("a redirect", "provider_redirected", "main", {
    provider: respond({ status: 307, headers: { Location: `/${C.page.needles[0]}` } }),
  }),
  at("a page", "provider_not_json", "main", { provider: json(PAGE) }),
  at("broken JSON", "provider_not_json", "main", { provider: json(`{"access_token":"${C.token.text}"`) }),
  at("no token", "provider_no_token", "main", { provider: json({ id_token: C.token.text }) }),
  at("too much", "provider_too_large", "main", { provider: json({ ...TOKEN, x: C.page.text.repeat(200) }) }),
  at("an answer that breaks off", "provider_truncated", "main", {
    provider: thenClose(
      raw(head({ "Content-Type": "application/json", "Content-Length": "4000" }), JSON.stringify(TOKEN)),
    ),
  }),
  at("a token for somebody else", "provider_wrong_subject", "subject", {
    provider: json({ ...TOKEN, sub: C.otherUserid.text }),
  }),
  at("a token with another scope", "provider_wrong_scope", "scoped", {
    provider: json({ ...TOKEN, scope: C.page.text }),
  }),
  at("a refresh token", "provider_forbidden_member", "forbidding"),
  at("nobody there", "provider_unreachable", "unreachable"),
  at("an untrusted certificate", "provider_unreachable", "strange"),
  at("no answer", "provider_timeout", "mute", { provider: never }),
  at("metadata that is a page", "provider_error|provider_not_json", "undiscovered", { provider: json(PAGE) }),
  at("metadata of another issuer", "provider_error|provider_not_json", "undiscovered", {
    provider: json({ issuer: C.page.text, token_endpoint: C.page.text }),
  }),
  at("a provider that has failed too often", "provider_suspended", "down", {
    provider: respond({ status: 500, body: PAGE }),
    times: 11,
  }),
  at("a token after all of it", "token", "main"),
];

/** Prepares the provider and the nextAuth Server for a scenario. */
export function arrange({ provider, nextauth }: World, scenario: Scenario): void {
  provider.answer = scenario.provider ?? json(TOKEN);
  nextauth.answer = () => {
    const asked = nextauth.requests.at(-1)?.target ?? "";
    if (asked.includes("/users/")) return scenario.attributes?.() ?? Response.json(ATTRIBUTES);
    return scenario.session?.() ?? loggedIn();
  };
}

/** What the caller receives by design: the provider's body. */
export function delivered({ code }: Scenario): readonly Canary[] {
  if (code === "token") return [C.token, C.userid];
  return code === "refused" ? [WORDS, C.userid, C.mfaToken] : [];
}
