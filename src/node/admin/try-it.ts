// "Try it" in dev mode: a form for one getToken call, who may send it, and the call's answer.

import { html } from "hono/html";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { isFault, readValue } from "../../nextauth/values.ts";
import { type Html, panel, pill } from "./elements.ts";
import { counted } from "./format.ts";

export interface TryItCall {
  userid: string;
  accountid: number;
}

/** The TokenResult, as the proxy sent it. */
export interface TryItAnswer {
  status: number;
  contentType: string;
  bytes: Uint8Array;
}

/** What the section shows: the form with the last call, what was wrong with it, or its answer. */
export interface TryItView {
  call?: TryItCall;
  fault?: string;
  answer?: TryItAnswer;
}

/** The first user of dev mode. */
const DEV_CALL: TryItCall = { userid: "alice", accountid: 7 };

/** @returns the call, or what is wrong with the form, without quoting it */
export function parseTryIt(form: URLSearchParams): TryItCall | { fault: string } {
  const userid = readValue("userid", form.get("userid") ?? "", false);
  if (isFault(userid)) return { fault: `"userid" ${userid.fault}` };
  const accountid = readValue("accountid", form.get("accountid") ?? "", false);
  if (isFault(accountid)) return { fault: `"accountid" ${accountid.fault}` };
  return { userid: userid as string, accountid: accountid as number };
}

/**
 * Whether the status page itself sent the request. The host must be a loopback name as well: with
 * DNS rebinding another site's page has the same origin as this listener.
 */
export function isFromStatusPage(request: Request): boolean {
  const { origin, hostname } = new URL(request.url);
  if (!/^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)) return false;
  // The page's Referrer-Policy makes its Origin "null", so browsers are judged by Sec-Fetch-Site.
  const site = request.headers.get("sec-fetch-site");
  return site === null ? request.headers.get("origin") === origin : site === "same-origin";
}

/** @param isOpen false on a page that refreshes itself, which would empty the form */
export function tryItSection({ call = DEV_CALL, fault, answer }: TryItView, isOpen: boolean): Html {
  const content = html`<p>Makes one real getToken call: the embedded nextAuth Server logs the user in and calls this proxy,
which requests a token from the embedded provider. Only in dev mode.</p>
${isOpen ? form(call) : html`<p><a class="button" href="./?paused#try-it">Open the form</a></p>`}
${fault && html`<p class="problem" role="alert">No call was made: ${fault}.</p>`}
${answer && answerPart(answer)}`;
  return panel("try-it", "Try it", content);
}

function form({ userid, accountid }: TryItCall): Html {
  return html`<form method="post" action="./try-it">
<p><label for="userid">userid</label>
<input id="userid" name="userid" value="${userid}" required maxlength="1024" autocomplete="off" spellcheck="false"></p>
<p><label for="accountid">accountid</label>
<input id="accountid" name="accountid" value="${accountid}" required inputmode="numeric" pattern="-?[0-9]{1,16}"></p>
<p><button class="button" type="submit">Call getToken</button></p>
</form>`;
}

function answerPart({ status, contentType, bytes }: TryItAnswer): Html {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  // HTML parsers turn a literal CR LF into LF.
  const verbatim = text.split("\r").map((part, index) => [index > 0 && html`&#13;`, part]);
  const isToken = status >= 200 && status < 300;
  return html`<div class="result">
<h3 id="token-result">TokenResult</h3>
<p>${pill(isToken ? "good" : "bad", `Status ${status}`)} ${counted(bytes.length, "byte")} of ${contentType}</p>
<pre tabindex="0" role="region" aria-labelledby="token-result">\n${verbatim}</pre>
${["access_token", "id_token"].map((member) => tokenPart(member, text))}
</div>`;
}

function tokenPart(member: string, answer: string): Html | undefined {
  try {
    const token = JSON.parse(answer)[member];
    const [header, claims] = [decodeProtectedHeader(token), decodeJwt(token)];
    return html`<h3 id="jwt-${member}">${member}, decoded</h3>
<p>The signature has not been verified.</p>
<div class="jwt">
<pre tabindex="0" role="region" aria-label="Header of the ${member}">\n${JSON.stringify(header, undefined, 2)}</pre>
<pre tabindex="0" role="region" aria-labelledby="jwt-${member}">\n${JSON.stringify(claims, undefined, 2)}</pre>
</div>`;
  } catch {
    return undefined; // not JSON, or not a JWT that can be read: for example opaque or encrypted
  }
}
