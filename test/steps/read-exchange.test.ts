// An exchange is an authorization_code grant whose code is a webNonce (RFC 6749 §4.1.3); what is none is refused before anybody is asked.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { readExchangeValues } from "../../src/steps/read-exchange.ts";
import { thrownBy } from "../support/fakes.ts";

const NONCE = "5f1d7a84db00d2fce00b31a7fc73224f";
const FORM = "application/x-www-form-urlencoded";
const GOOD = `grant_type=authorization_code&code=${NONCE}`;

/** Reads one exchange for the serverid `a`. */
async function read(body: string | Uint8Array, type = FORM) {
  const request = new Request("http://proxy.example/token", {
    method: "POST",
    headers: type === "" ? {} : { "content-type": type },
    body: body as string,
  });
  return readExchangeValues(request, "a");
}

async function refusal(body: string | Uint8Array, type?: string): Promise<TokenProxyError> {
  const error = await thrownBy(() => read(body, type));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

describe("an exchange", () => {
  it("stands for a call with its webNonce and the serverid of the file", async () => {
    expect([...(await read(GOOD))]).toEqual([
      ["serverid", "a"],
      ["nonce", NONCE],
    ]);
  });

  it.each([
    ["what an OAuth client sends too", "client_id=app&redirect_uri=app%3A%2F%2Fcb&code_verifier=xyz&scope=openid"],
    ["client credentials that are nobody's", "client_id=x&client_secret=y"],
    ["values of the call's names, which count for nothing", "userid=mallory&accountid=1&serverid=b&nonce=other"],
    ["a parameter twice that nobody looks at", "resource=a&resource=b"],
  ])("may have %s", async (_, more) => {
    expect([...(await read(`${GOOD}&${more}`)).values()]).toEqual(["a", NONCE]);
    expect([...(await read(`${more}&${GOOD}`)).values()]).toEqual(["a", NONCE]);
  });

  it.each([
    ["a%2B%2Fb%3D%3D", "a+/b=="],
    ["a+b", "a b"],
    ["x".repeat(512), "x".repeat(512)],
  ])("may have the webNonce %.20s", async (written, nonce) => {
    expect((await read(`grant_type=authorization_code&code=${written}`)).get("nonce")).toBe(nonce);
  });

  it.each([FORM, `${FORM};charset=UTF-8`, "Application/X-WWW-Form-URLEncoded"])("may be of type %s", async (type) => {
    expect((await read(GOOD, type)).get("nonce")).toBe(NONCE);
  });
});

describe("what is no exchange is refused", () => {
  const WRONG_TYPE = `the call's Content-Type must be ${FORM}`;
  const code = (text: string) => `grant_type=authorization_code&code=${text}`;

  it.each<[string, string | Uint8Array, string]>([
    ["without any parameter", "", 'the request has no "grant_type"'],
    ["without grant_type", `code=${NONCE}`, 'the request has no "grant_type"'],
    ["with an empty grant_type", `grant_type=&code=${NONCE}`, 'the request has no "grant_type"'],
    ["with grant_type twice", `${GOOD}&grant_type=authorization_code`, 'the request has "grant_type" twice'],
    ["with grant_type twice, once empty", `grant_type=&${GOOD}`, 'the request has "grant_type" twice'],
    ["with a grant_type in another case", `GRANT_TYPE=x&code=${NONCE}`, 'the request has no "grant_type"'],
    ["without code", "grant_type=authorization_code", 'the request has no "code", which must be the webNonce'],
    ["with an empty code", code(""), 'the request has no "code", which must be the webNonce'],
    ["with code twice", `${GOOD}&code=${NONCE}`, 'the request has "code" twice'],
    [
      "with a code of another name",
      "grant_type=authorization_code&nonce=x",
      'the request has no "code", which must be the webNonce',
    ],
    ["with a code that is too long", code("x".repeat(513)), 'the request\'s "code" is too long'],
    ["with a line break in its code", code("a%0D%0AX-su:%201"), 'the request\'s "code" has control characters'],
    ["with a zero byte in its code", code("a%00"), 'the request\'s "code" has control characters'],
    ["with a code that is not ASCII", code("%C3%BC"), 'the request\'s "code" is not visible ASCII without commas'],
    ["with a code of a space", code("+"), 'the request\'s "code" is not visible ASCII without commas'],
    ["with a space before its code", code("+a"), 'the request\'s "code" is not visible ASCII without commas'],
    ["with half an escape", code("a%2"), "a parameter of the call has a broken percent-encoding"],
    ["with escapes that are not UTF-8", code("a%FF"), "a parameter of the call has a broken percent-encoding"],
    ["in bytes that are not UTF-8", Uint8Array.of(0x61, 0x3d, 0xff), "the call's body is not UTF-8"],
  ])("%s", async (_, body, message) => {
    const error = await refusal(body);
    expect(error.message).toBe(message);
    expect(error.code).toBe("call_invalid");
  });

  it.each([
    "refresh_token",
    "client_credentials",
    "Authorization_Code",
    "authorization_code ",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
  ])("with the grant_type %j, whatever its code", async (grantType) => {
    for (const more of [`&code=${NONCE}`, "", "&code=%00"]) {
      const error = await refusal(`grant_type=${encodeURIComponent(grantType)}${more}`);
      expect(error.code).toBe("grant_type_unsupported");
      expect(error.message).toBe("grant_type must be authorization_code, with the webNonce as code");
    }
  });

  it.each(["", "application/json", "text/plain", "multipart/form-data; boundary=x", `x${FORM}`])(
    "of the type %j",
    async (type) => {
      const error = await refusal(new TextEncoder().encode(GOOD), type);
      expect([error.code, error.message]).toEqual(["call_invalid", WRONG_TYPE]);
    },
  );

  it("that is too large", async () => {
    expect((await refusal(`${GOOD}&x=${"x".repeat(65_536)}`)).code).toBe("call_too_large");
  });

  it("without a word of its webNonce", async () => {
    const canary = "Zq7xWv4kPj";
    for (const body of [
      `code=${canary}`,
      code(`${canary}%00`),
      `${code(canary)}&code=${canary}`,
      `grant_type=${canary}`,
    ]) {
      const error = await refusal(body);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(canary);
    }
  });
});
