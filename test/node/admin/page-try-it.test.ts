// "Try it" of dev mode: what may ask for a call, and what is shown of its answer.

import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { statusPage } from "../../../src/node/admin/page.ts";
import { isSameOrigin, parseTryIt, type TryItView, tryItResult } from "../../../src/node/admin/try-it.ts";
import { NOW, snapshot } from "../../support/status-snapshot.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const page = (tryIt: TryItView | undefined, paused = false) => statusPage(snapshot(), { now: NOW, paused, tryIt });

describe("the form", () => {
  it("asks for a userid and an accountid", () => {
    expect(parseTryIt(new URLSearchParams("userid=Ren%C3%A9e+O%27Hara&accountid=12"))).toEqual({
      userid: "Renée O'Hara",
      accountid: 12,
    });
  });

  it.each([
    ["accountid=7", '"userid" is empty'],
    ["userid=&accountid=7", '"userid" is empty'],
    ["userid=a&userid=b&accountid=7", '"userid" is empty'],
    ["userid=a%0Ab&accountid=7", '"userid" has control characters'],
    [`userid=${"a".repeat(1_025)}&accountid=7`, '"userid" is too long'],
    ["userid=a", /^"accountid" /],
    ["userid=a&accountid=seven", /^"accountid" /],
    ["userid=a&accountid=7.5", /^"accountid" /],
    ["userid=a&accountid=9007199254740993", /^"accountid" /],
  ])("is refused with %s", (body, fault) => {
    expect(parseTryIt(new URLSearchParams(body))).toEqual({ fault: expect.stringMatching(fault) });
  });

  it("is there in dev mode alone, and only where no refresh would empty it", () => {
    expect(page(undefined, true)).not.toContain("Try it");
    expect(page({})).not.toContain("<form");
    expect(page({})).toContain('href="./?paused#try-it"');
    expect(page({}, true)).toContain('<form method="post" action="./try-it">');
    expect(page({}, true)).toContain('value="alice"');
  });

  it("keeps what was called, and says what is wrong where no call was made", () => {
    const shown = page({ call: { userid: "<bob>", accountid: 9 }, fault: '"userid" is too long' });
    expect(shown).toContain('value="&lt;bob&gt;"');
    expect(shown).toContain('role="alert">No call was made: &quot;userid&quot; is too long.');
    expect(shown).not.toContain('http-equiv="refresh"');
  });
});

describe("a result", () => {
  const token = new UnsecuredJWT({ scope: "openid" }).setSubject("alice").encode();
  const call = { userid: "alice", accountid: 7 };

  it("is the bytes as they came, with their number, and what its JWTs say", () => {
    const text = `\n{ "access_token" : "${token}",\r\n "id_token":"opaque", "who":"Zoë" }\n`;
    const view = tryItResult(200, "application/json", bytes(text), call);
    expect(view.call).toEqual(call);
    expect(view.result).toEqual({
      status: 200,
      contentType: "application/json",
      byteCount: bytes(text).length,
      text,
      tokens: [
        { member: "access_token", jwt: { header: { alg: "none" }, claims: { scope: "openid", sub: "alice" } } },
        { member: "id_token", jwt: undefined },
      ],
    });
    const shown = page(view);
    expect(shown).toContain(`${bytes(text).length} bytes of application/json`);
    expect(shown).toContain("&quot;sub&quot;: &quot;alice&quot;");
    expect(shown).toContain("Not a JWT");
    expect(shown).not.toContain('http-equiv="refresh"');
  });

  it.each(["", "null", "[1]", "not JSON", '"text"', '{"access_token":7}', "{"])("may be anything, as %j", (text) => {
    expect(tryItResult(502, "", bytes(text)).result).toMatchObject({ byteCount: text.length, text, tokens: [] });
  });

  it("is shown with its status, also where it is no token", () => {
    expect(page(tryItResult(403, "application/json", bytes('{"error":"access_denied"}'), call))).toMatch(
      /class="pill bad">.*Status 403/,
    );
  });

  it("shows a byte order mark and broken UTF-8 as what they are", () => {
    const { result } = tryItResult(200, "", Uint8Array.of(0xef, 0xbb, 0xbf, 0xff));
    expect(result).toMatchObject({ byteCount: 4, text: "\ufeff\ufffd" });
  });
});

describe("who may send the form", () => {
  const from = (url: string, headers: Record<string, string>) =>
    isSameOrigin(new Request(url, { method: "POST", headers }));
  const OWN = "http://127.0.0.1:9613/try-it";

  it.each([
    [OWN, { "Sec-Fetch-Site": "same-origin", Origin: "null" }],
    [OWN, { Origin: "http://127.0.0.1:9613" }],
    ["http://localhost:9613/try-it", { "Sec-Fetch-Site": "same-origin" }],
    ["http://dev.localhost:9613/try-it", { Origin: "http://dev.localhost:9613" }],
    ["http://[::1]:9613/try-it", { "Sec-Fetch-Site": "same-origin" }],
    ["http://127.8.9.1/try-it", { Origin: "http://127.8.9.1" }],
  ])("is the page itself: %s %j", (url, headers) => {
    expect(from(url, headers)).toBe(true);
  });

  it.each([
    [OWN, {}],
    [OWN, { Origin: "null" }],
    [OWN, { Origin: "https://evil.example" }],
    [OWN, { Origin: "http://127.0.0.1:8080" }],
    [OWN, { Origin: "https://127.0.0.1:9613" }],
    [OWN, { "Sec-Fetch-Site": "same-site", Origin: "http://127.0.0.1:9613" }],
    [OWN, { "Sec-Fetch-Site": "cross-site", Origin: "http://127.0.0.1:9613" }],
    [OWN, { "Sec-Fetch-Site": "none" }],
    [OWN, { "Sec-Fetch-Site": "" }],
  ])("is nobody else: %s %j", (url, headers) => {
    expect(from(url, headers)).toBe(false);
  });

  it.each([
    "http://evil.example:9613/try-it",
    "http://localhost.evil.example/try-it",
    "http://127.0.0.1.evil.example/try-it",
    "http://evillocalhost/try-it",
    "http://128.0.0.1/try-it",
    "http://12.0.0.1/try-it",
    "http://10.0.0.1/try-it",
    "http://[::ffff:10.0.0.1]/try-it",
  ])("is no name that others can point here: %s", (url) => {
    expect(from(url, { "Sec-Fetch-Site": "same-origin", Origin: new URL(url).origin })).toBe(false);
  });
});
