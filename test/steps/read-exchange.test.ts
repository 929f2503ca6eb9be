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
async function read(body: string, type = FORM) {
  const request = new Request("http://proxy.example/token", {
    method: "POST",
    headers: { "content-type": type },
    body,
  });
  return Object.fromEntries(readExchangeValues(await readForm(request, () => readText(request)), "a"));
}

async function refusal(body: string, type?: string): Promise<TokenProxyError> {
  const error = await thrownBy(() => read(body, type));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

it.each([
  ["parameters of an OAuth client", "client_id=app&client_secret=y&redirect_uri=app%3A%2F%2Fcb&code_verifier=xyz"],
  ["names of a getToken call", "userid=mallory&accountid=1&serverid=b&nonce=other"],
  ["an unknown parameter twice", "resource=a&resource=b"],
])("an exchange consists of its webNonce and the serverid of the file; it ignores %s", async (_, more) => {
  expect(await read(`${VALID}&${more}`)).toEqual({ serverid: "a", nonce: NONCE });
});

it("the code is decoded", async () => {
  expect(await read(withCode("a%2B%2Fb%3D%3D+c"))).toEqual({ serverid: "a", nonce: "a+/b== c" });
});

describe("a request is refused", () => {
  const NO_GRANT_TYPE = 'the request has no "grant_type"';
  const NO_CODE = 'the request has no "code", which must be the webNonce';
  const NO_NONCE = 'the request\'s "code" is not visible ASCII without commas';
  const BROKEN = "a parameter of the call has a broken percent-encoding";

  it.each([
    ["without grant_type", `code=${NONCE}`, NO_GRANT_TYPE],
    ["with an empty grant_type", `grant_type=&code=${NONCE}`, NO_GRANT_TYPE],
    ["with grant_type twice", `${VALID}&grant_type=authorization_code`, 'the parameter "grant_type" occurs twice'],
    ["without code", "grant_type=authorization_code&nonce=x", NO_CODE],
    ["with an empty code", withCode(""), NO_CODE],
    ["with code twice", `${VALID}&code=${NONCE}`, 'the parameter "code" occurs twice'],
    ["with a line break in its code", withCode("a%0D%0AX-su:%201"), 'the request\'s "code" has control characters'],
    ["with a space before its code", withCode("+a"), NO_NONCE],
    ["with escapes that are not UTF-8", withCode("a%FF"), BROKEN],
  ])("%s", async (_, body, message) => {
    const error = await refusal(body);
    expect([error.code, error.message]).toEqual(["call_invalid", message]);
  });

  it("with another grant_type, whatever its code", async () => {
    const message = "grant_type must be authorization_code, with the webNonce as code";
    for (const body of [`grant_type=Authorization_Code&code=${NONCE}`, "grant_type=refresh_token"]) {
      expect(await refusal(body)).toMatchObject({ code: "grant_type_unsupported", message });
    }
  });

  it.each(["application/json", `x${FORM}`])("with the Content-Type %j", async (type) => {
    const error = await refusal(VALID, type);
    expect([error.code, error.message]).toEqual(["call_invalid", `the call's Content-Type must be ${FORM}`]);
  });
});
