// Requests of an attacker who wants a text in the log, metrics or traces: in every part of a call.

import { makeCanary } from "./canaries.ts";
import { CANARIES as C } from "./leak-world.ts";
import { request } from "./raw-call.ts";

/** The attacker's text. */
export const FORGED = makeCanary("what a caller made up");
const text = String(FORGED.needles[0]);

/** A line that would pass for one of the proxy's, a red one, and one that empties the terminal. */
const LINE = `\n[00:00:00.000] INFO: call {"user":"${text}"}\n{"level":"info","event":"call","user":"${text}"}`;
const RED = `\x1b[31m${text}`;
const CLEAR = `\x1b[2J\x9b2J${text}`;
const encoded = encodeURIComponent(LINE + RED);

const good = { "X-apikey": C.apikey.text, "X-nonce": C.nonce.text, "X-user-token": C.userToken.text };
const body = (changes: object = {}) =>
  JSON.stringify({ serverid: "main", userid: C.userid.text, accountid: 7, nonce: "0", ...changes });
const call = (headers: Record<string, string> = {}, text = body()) =>
  request("POST", "/getToken", { ...good, ...headers }, text);
const FORM = { "X-apikey": undefined, "X-nonce": undefined, "Content-Type": "application/x-www-form-urlencoded" };
const exchange = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  request("POST", "/token", { ...FORM, ...headers }, new URLSearchParams(form).toString());
const code = { grant_type: "authorization_code", code: C.nonce.text };

export const TRACE = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };

/** What is attacked, and the bytes of the request. Node itself refuses some that are not HTTP. */
export const ATTACKS: [string, string][] = [
  ["a made-up method", request(text, "/getToken", good)],
  ["a method that few know", request("M-SEARCH", `/getToken?${text}`, good)],
  ["a method that few know, at a made-up path", request("PROPFIND", `/${text}`, good)],
  ["a made-up path", request("POST", `/${text}`, good)],
  ["a path with lines", request("POST", `/getToken/${encoded}`, good)],
  ["a path with a raw escape", request("POST", `/${RED}`, good)],
  ["a query", request("POST", `/getToken?${encoded}`, good, body())],
  ["a whole address", request("POST", `http://${text}/getToken`, { ...good, Host: text }, body())],
  ["a made-up protocol", `POST /getToken ${text}/1.1\r\n\r\n`],
  ["a Host", call({ Host: text })],
  ["an invalid Host", call({ Host: `${text} ${text}` })],
  ["an id of the request", call({ "X-Request-Id": text, "X-Correlation-Id": text, "Request-Id": text })],
  ["a User-Agent with an escape", call({ "User-Agent": RED })],
  ["a User-Agent with an escape of eight bits", call({ "User-Agent": `\x9b31m${text}` })],
  ["a header in two lines", call({ "User-Agent": `x\r\n ${text}` })],
  ["a made-up header", call({ [text]: text })],
  ["an invalid trace", call({ traceparent: text, tracestate: `a=${text}` })],
  ["a trace with a text behind", call({ traceparent: `cc${TRACE.traceparent.slice(2)}-${text}` })],
  ["flags of a trace", call({ traceparent: TRACE.traceparent.replace(/01$/, `x${text[0]}`) })],
  ["baggage", call({ ...TRACE, baggage: `user=${text}` })],
  ["where he comes from", call({ "X-Forwarded-For": text, Forwarded: `for=${text}`, "X-Real-IP": text, Via: text })],
  ["other credentials", call({ Authorization: `Bearer ${text}`, Cookie: `a=${text}` })],
  ["a wrong key", call({ "X-apikey": text })],
  ["a wrong key and a body", request("POST", "/getToken", { "X-apikey": "wrong" }, body({ userid: CLEAR }))],
  ["a type of the body", call({ "Content-Type": `text/${text}; charset=${text}` })],
  ["an encoding of the body", call({ "Content-Encoding": text })],
  ["a length of the body", call({ "Content-Length": text })],
  ["a body that is no JSON", call({}, LINE + RED + CLEAR)],
  ["a userid with lines", call({}, body({ userid: LINE }))],
  ["a userid with an escape", call({}, body({ userid: CLEAR }))],
  ["a userid from right to left, in two lines", call({}, body({ userid: `\u202e${text}\u2028${text}\u0085` }))],
  ["a userid of nobody", call({}, body({ userid: text }))],
  ["a serverid", call({}, body({ serverid: text }))],
  ["an accountid", call({}, body({ accountid: text }))],
  ["made-up members", call({}, body({ [text]: LINE, level: text, event: text, time: text, pid: text, caller: text }))],
  ["a nonce", call({ "X-nonce": text })],
  ["another grant", exchange({ grant_type: text, code: text })],
  ["a client", exchange({ ...code, client_id: LINE, redirect_uri: text, code_verifier: RED, state: text })],
  ["an address at the exchange", exchange(code, { "X-Forwarded-For": text })],
  ["a trace at the exchange", exchange(code, { ...TRACE, tracestate: `a=${text}` })],
];
