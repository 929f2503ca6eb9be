// An exchange is an authorization_code grant whose code is a webNonce (RFC 6749 section 4.1.3).

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { readForm, readText } from "../../src/steps/body.ts";
import { readExchangeValues } from "../../src/steps/read-exchange.ts";
import { thrownBy } from "../support/fakes.ts";

const NONCE = "5f1d7a84db00d2fce00b31a7fc73224f";
const FORM = "application/x-www-form-urlencoded";
const VALID = `grant_type=authorization_code&code=${NONCE}`;
const withCode = (code: string) => `grant_type=authorization_code&code=${code}`;

/** Reads an exchange for the serverid `a`. */
async function read(body: string | Uint8Array, type = FORM) {
  const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
  const request = new Request("http://proxy.example/token", { method: "POST", headers, body: body as string });
  return Object.fromEntries(readExchangeValues(await readForm(request, () => readText(request)), "a"));
}

async function refusal(body: string | Uint8Array, type?: string): Promise<TokenProxyError> {
  const error = await thrownBy(() => read(body, type));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

describe("an exchange", () => {
  it.each([
    ["parameters of an OAuth client", "client_id=app&redirect_uri=app%3A%2F%2Fcb&code_verifier=xyz&scope=openid"],
    ["client credentials", "client_id=x&client_secret=y"],
    ["names of a getToken call", "userid=mallory&accountid=1&serverid=b&nonce=other"],
    ["an unknown parameter twice", "resource=a&resource=b"],
  ])("consists of its webNonce and the serverid of the file; it ignores %s", async (_, more) => {
    expect(await read(`${VALID}&${more}`)).toEqual({ serverid: "a", nonce: NONCE });
    expect(await read(`${more}&${VALID}`)).toEqual({ serverid: "a", nonce: NONCE });
  });

  it.each([
    ["a%2B%2Fb%3D%3D", "a+/b=="],
    ["a+b", "a b"],
  ])("may have the code %s", async (written, nonce) => {
    expect(await read(withCode(written))).toEqual({ serverid: "a", nonce });
  });
});

describe("a request is refused", () => {
  const NO_GRANT_TYPE = 'the request has no "grant_type"';
  const NO_CODE = 'the request has no "code", which must be the webNonce';
  const NO_NONCE = 'the request\'s "code" is not visible ASCII without commas';
  const BROKEN = "a parameter of the call has a broken percent-encoding";

  it.each<[string, string | Uint8Array, string]>([
    ["without parameters", "", NO_GRANT_TYPE],
    ["without grant_type", `code=${NONCE}`, NO_GRANT_TYPE],
    ["with grant_type twice", `${VALID}&grant_type=authorization_code`, 'the request has "grant_type" twice'],
    ["without code", "grant_type=authorization_code&nonce=x", NO_CODE],
    ["with an empty code", withCode(""), NO_CODE],
    ["with code twice", `${VALID}&code=${NONCE}`, 'the request has "code" twice'],
    ["with a code that is too long", withCode("x".repeat(513)), 'the request\'s "code" has more than 512 characters'],
    ["with a line break in its code", withCode("a%0D%0AX-su:%201"), 'the request\'s "code" has control characters'],
    ["with a space before its code", withCode("+a"), NO_NONCE],
    ["with escapes that are not UTF-8", withCode("a%FF"), BROKEN],
  ])("%s", async (_, body, message) => {
    const error = await refusal(body);
    expect([error.code, error.message]).toEqual(["call_invalid", message]);
  });

  it.each(["refresh_token", "Authorization_Code", "authorization_code "])(
    "with the grant_type %j, whatever its code",
    async (grantType) => {
      for (const more of [`&code=${NONCE}`, "", "&code=%00"]) {
        const error = await refusal(`grant_type=${encodeURIComponent(grantType)}${more}`);
        expect(error.code).toBe("grant_type_unsupported");
        expect(error.message).toBe("grant_type must be authorization_code, with the webNonce as code");
      }
    },
  );

  it.each(["", "application/json", `x${FORM}`])("with the Content-Type %j", async (type) => {
    const error = await refusal(new TextEncoder().encode(VALID), type);
    expect([error.code, error.message]).toEqual(["call_invalid", `the call's Content-Type must be ${FORM}`]);
  });
});
