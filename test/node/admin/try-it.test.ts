// "Try it" of dev mode: who may send the form, what it accepts, and how the answer is shown.

import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { isFromStatusPage, parseTryIt, type TryItView, tryItSection } from "../../../src/node/admin/try-it.ts";

const shown = (view: TryItView) => String(tryItSection(view, true));
const answer = (body: string | Uint8Array, status = 200) => ({
  answer: { status, contentType: "application/json", bytes: Buffer.from(body as string) },
});

describe("the form", () => {
  it("asks for a userid and an accountid", () => {
    expect(parseTryIt(new URLSearchParams("userid=Ren%C3%A9e+O%27Hara&accountid=12"))).toEqual({
      userid: "Renée O'Hara",
      accountid: 12,
    });
  });

  it.each([
    ["accountid=7", /^"userid" /],
    ["userid=a%0Ab&accountid=7", /^"userid" /],
    [`userid=${"a".repeat(1_025)}&accountid=7`, /^"userid" /],
    ["userid=a", /^"accountid" /],
    ["userid=a&accountid=seven", /^"accountid" /],
    ["userid=a&accountid=9007199254740993", /^"accountid" /],
  ])("rejects %s", (body, fault) => {
    expect(parseTryIt(new URLSearchParams(body))).toEqual({ fault: expect.stringMatching(fault) });
  });

  it("is closed while the page refreshes itself", () => {
    const closed = String(tryItSection({}, false));
    expect(closed).not.toContain("<form");
    expect(closed).toContain('href="./?paused#try-it"');
    expect(shown({})).toContain('<form method="post" action="./try-it">');
  });

  it("keeps the values of the last call, and shows why none was made", () => {
    const text = shown({ call: { userid: "<bob>", accountid: 9 }, fault: '"userid" is too long' });
    expect(text).toContain('value="&lt;bob&gt;"');
    expect(text).toContain('role="alert">No call was made: &quot;userid&quot; is too long.');
  });
});

describe("the answer", () => {
  const jwt = new UnsecuredJWT({ scope: "openid" }).setSubject("alice").encode();

  it("is shown byte for byte, with its JWTs decoded", () => {
    const body = `\n{ "access_token" : "${jwt}",\r\n "id_token":"opaque", "who":"Zoë" }\n`;
    const text = shown(answer(body));
    expect(text).toContain(`${Buffer.byteLength(body)} bytes of application/json`);
    expect(text).toContain(`${jwt}&quot;,&#13;\n &quot;id_token&quot;:&quot;opaque&quot;, &quot;who&quot;:&quot;Zoë`);
    expect(text).toContain("&quot;alg&quot;: &quot;none&quot;");
    expect(text).toContain("&quot;sub&quot;: &quot;alice&quot;");
    expect(text).not.toContain('id="jwt-id_token"');
  });

  it.each(["", "null", "[1]", "not JSON", '"text"', '{"access_token":7}', "{"])("may be anything: %j", (body) => {
    const text = shown(answer(body, 502));
    expect(text).toMatch(/class="pill bad">.*Status 502/);
    expect(text).not.toContain('id="jwt-');
  });

  it("shows a byte order mark and broken UTF-8", () => {
    expect(shown(answer(Uint8Array.of(0xef, 0xbb, 0xbf, 0xff)))).toContain("\ufeff\ufffd");
  });
});

describe("the form's sender", () => {
  const OWN = "http://127.0.0.1:9613/try-it";
  const isAccepted = (url: string, headers: Record<string, string>) =>
    isFromStatusPage(new Request(url, { method: "POST", headers }));

  it.each([
    [OWN, { "Sec-Fetch-Site": "same-origin", Origin: "null" }],
    [OWN, { Origin: "http://127.0.0.1:9613" }],
    ["http://localhost:9613/try-it", { "Sec-Fetch-Site": "same-origin" }],
    ["http://dev.localhost:9613/try-it", { Origin: "http://dev.localhost:9613" }],
    ["http://[::1]:9613/try-it", { "Sec-Fetch-Site": "same-origin" }],
  ])("is accepted if it is the page itself: %s %j", (url, headers) => {
    expect(isAccepted(url, headers)).toBe(true);
  });

  it.each([
    {},
    { Origin: "null" },
    { Origin: "https://evil.example" },
    { Origin: "http://127.0.0.1:8080" },
    { "Sec-Fetch-Site": "same-site", Origin: "http://127.0.0.1:9613" },
    { "Sec-Fetch-Site": "none" },
  ])("is rejected from another origin: %j", (headers) => {
    expect(isAccepted(OWN, headers)).toBe(false);
  });

  it.each([
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "evillocalhost",
    "128.0.0.1",
    "12.0.0.1",
  ])("is rejected under a name that DNS can point here: %s", (host) => {
    const origin = `http://${host}:9613`;
    expect(isAccepted(`${origin}/try-it`, { "Sec-Fetch-Site": "same-origin", Origin: origin })).toBe(false);
  });
});
