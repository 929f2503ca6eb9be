// The part of the status page, in dev mode alone, that makes a getToken call and shows what an app would get.

import { type Html, html } from "./page-html.ts";
import { pill } from "./page-parts.ts";
import { count, counted } from "./page-words.ts";
import type { TryItResult, TryItToken, TryItView } from "./try-it.ts";

/** The user that dev mode starts with. */
const DEV_CALL = { userid: "alice", accountid: 7 };

/** The form stands on a page that does not refresh itself, or it would be emptied while somebody writes. */
export function tryItPart(view: TryItView, paused: boolean): Html {
  return html`<section class="panel" id="try-it" aria-labelledby="try-it-heading">
<h2 id="try-it-heading">Try it</h2>
<p>One real getToken call through all three: the embedded nextAuth Server logs a user in and calls this proxy, which asks the embedded provider for a token. In dev mode alone.</p>
${paused ? form(view) : html`<p><a class="button" href="./?paused#try-it">Open the form</a></p>\n`}${view.result === undefined ? undefined : resultPart(view.result)}</section>
`;
}

function form({ call = DEV_CALL, fault }: TryItView): Html {
  return html`<form method="post" action="./try-it">
<p><label for="userid">userid</label><input id="userid" name="userid" value="${call.userid}" required maxlength="1024" autocomplete="off" spellcheck="false"></p>
<p><label for="accountid">accountid</label><input id="accountid" name="accountid" value="${call.accountid}" required inputmode="numeric" pattern="-?[0-9]{1,16}" autocomplete="off"></p>
<p><button class="button" type="submit">Call getToken</button></p>
</form>
${fault === undefined ? undefined : html`<p class="problem" role="alert">No call was made: ${fault}.</p>\n`}`;
}

function resultPart({ status, contentType, byteCount, text, tokens }: TryItResult): Html {
  const isToken = status >= 200 && status < 300;
  const bytes = `${counted(byteCount, "byte")}${contentType === "" ? "" : ` of ${contentType}`}`;
  return html`<div class="result">
<h3 id="token-result">TokenResult</h3>
<p>${pill(isToken ? "good" : "bad", `Status ${count(status)}`)} ${bytes}, as the proxy sent them.</p>
<pre tabindex="0" role="region" aria-labelledby="token-result">
${text}</pre>
${tokens.map(tokenPart)}</div>
`;
}

function tokenPart({ member, jwt }: TryItToken): Html {
  const id = `jwt-${member}`;
  if (jwt === undefined)
    return html`<h3>${member}</h3>
<p>Not a JWT, or an encrypted one: it says nothing to who holds it.</p>
`;
  return html`<h3 id="${id}">${member}, decoded</h3>
<p>Header and claims as they stand in it. Nobody has verified the signature here.</p>
<div class="jwt">
<pre tabindex="0" role="region" aria-label="Header of the ${member}">
${JSON.stringify(jwt.header, undefined, 2)}</pre>
<pre tabindex="0" role="region" aria-labelledby="${id}">
${JSON.stringify(jwt.claims, undefined, 2)}</pre>
</div>
`;
}
