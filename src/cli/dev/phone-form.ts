// The form that plays the phone, the call as it was sent, its response, and what a token says.

import { html } from "hono/html";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Config } from "../../config/parse.ts";
import { UsageError } from "../../core/errors.ts";
import { copyable, type Html, panel, pill } from "../../node/admin/elements.ts";
import { counted } from "../../node/admin/format.ts";
import { curlLine, endpointsOf, fieldsOf, type Played, play, SESSIONS, type Stage } from "./phone.ts";

/** @param sent the form; undefined makes no call */
export async function phoneForm(stage: Stage, sent?: URLSearchParams): Promise<Html> {
  const result = sent && (await play(sent, stage).then(playedPart, faultPart));
  const content = html`<p>Opens a session at the stand-in nextAuth Server, and makes one real call to this proxy, which may
request a token from the provider. Keep the address of this page to yourself: it gets tokens for any user.</p>
${form(stage.config, sent)}
${result}`;
  return panel("phone", "Play the phone", content);
}

function form(config: Config, sent: URLSearchParams | undefined): Html {
  const select = (name: string, options: Iterable<string>) => {
    const all = [...options].map((one) => html`<option${sent?.get(name) === one && " selected"}>${one}</option>`);
    return html`<p><label for="phone-${name}">${name}</label><select id="phone-${name}" name="${name}">${all}</select></p>\n`;
  };
  const field = ([name, initial]: [string, string]) => {
    const text = sent?.get(`value:${name}`) ?? initial;
    const id = `phone-value-${name}`;
    return html`<p><label for="${id}">${name}</label>
<input id="${id}" name="value:${name}" value="${text}" autocomplete="off" spellcheck="false"></p>\n`;
  };
  const paths = config.get_token.filter(({ session }) => session === "trust").map(({ path }) => path);
  const trusting = [...new Set(paths)];
  const note = html`<p class="muted">The session has no effect on ${trusting.join(", ")}: the file says session: trust.</p>
`;
  return html`<form method="post">
${select("endpoint", endpointsOf(config).keys())}${select("session", SESSIONS)}${trusting.length > 0 && note}${[...fieldsOf(config)].map(field)}
<p><button type="submit">Call</button></p>
</form>`;
}

function faultPart(error: unknown): Html {
  if (error instanceof UsageError) return html`<p class="bad" role="alert">No call was made: ${error.message}.</p>`;
  return html`<p class="bad" role="alert">The proxy sent no response (${(error as Error).name}).</p>`;
}

function playedPart({ call, response: { status, contentType, bytes } }: Played): Html {
  const { origin, host } = new URL(call.url);
  const headers = Object.entries({ host, ...call.headers }).map(([name, value]) => `${name}: ${value}`);
  const sent = [`${call.method} ${call.url.slice(origin.length)}`, ...headers, "", call.body ?? ""].join("\n");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const level = status < 300 ? "good" : "bad";
  return html`<div class="result">
${block("The call as it was sent", sent)}
${block("Repeat it", curlLine(call))}
<p>${pill(level, `Status ${status}`)} ${counted(bytes.length, "byte")} of ${contentType}</p>
${block("The response, byte for byte", text)}
${["access_token", "id_token"].map((member) => tokenPart(member, text))}
</div>`;
}

function block(heading: string, text: string): Html {
  // HTML parsers turn a literal CR LF into LF.
  const verbatim = text.split("\r").map((part, index) => [index > 0 && html`&#13;`, part]);
  const content = html`<pre tabindex="0" role="region" aria-label="${heading}">\n${verbatim}</pre>`;
  return html`<div><h3>${heading}</h3>${copyable(content, heading)}</div>\n`;
}

function tokenPart(member: string, response: string): Html[] {
  try {
    const token = JSON.parse(response)[member];
    const said = JSON.stringify({ header: decodeProtectedHeader(token), claims: decodeJwt(token) }, undefined, 2);
    return [block(`The ${member}`, token), block(`The ${member}, decoded; its signature is not verified`, said)];
  } catch {
    return []; // not JSON, or not a JWT that can be read: for example opaque or encrypted
  }
}
