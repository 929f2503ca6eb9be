// The token request has the file's parameters in the file's order, and nothing in it that could be read two ways.

import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import {
  compileTokenRequest,
  effectiveParams,
  HeaderValueError,
  type PlacedSecrets,
  type TokenRequestSettings,
} from "../../src/oauth/token-request.ts";

const VALUES: Record<string, string> = { userid: "alice", nonce: "n0nce", empty: "" };
const NONE: PlacedSecrets = new Map();

function build(settings: Partial<TokenRequestSettings>, values = VALUES, secrets = NONE) {
  const whole = { grant_type: "urn:example:user", params: {}, headers: {}, ...settings };
  const { form, headers } = compileTokenRequest(whole, secrets)((name) => values[name] as string);
  return { body: form.toString(), headers };
}

describe("the body", () => {
  it("holds grant_type, parameters and scope in this order", () => {
    const { body } = build({ scope: "openid accounts", params: { z: "1", a: "{{userid}}" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&z=1&a=alice&scope=openid+accounts");
  });

  it("repeats a parameter for each member of its list", () => {
    const { body } = build({ params: { audience: ["a", "{{userid}}", "b"], x: [] } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&audience=a&audience=alice&audience=b");
  });

  it("leaves out what renders empty", () => {
    const { body } = build({ scope: "", params: { a: "{{empty}}", b: ["", "c"], d: "" } });
    expect(body).toBe("grant_type=urn%3Aexample%3Auser&b=c");
  });

  it("encodes values, so that none can add a parameter", () => {
    const { body } = build({ params: { user: "{{userid}}" } }, { userid: "alice&client_id=evil&x=%26+é" });
    expect([...new URLSearchParams(body)]).toEqual([
      ["grant_type", "urn:example:user"],
      ["user", "alice&client_id=evil&x=%26+é"],
    ]);
  });

  it("is built anew for each call", () => {
    const settings = { grant_type: "x", params: { u: "{{userid}}" }, headers: { "X-U": "{{userid}}" } };
    const compiled = compileTokenRequest(settings, NONE);
    const [first, second] = ["alice", "bob"].map((user) => {
      const { form, headers } = compiled(() => user);
      form.append("client_id", "id");
      return { body: form.toString(), headers };
    });
    expect(first).toMatchObject({ body: "grant_type=x&u=alice&client_id=id", headers: { "x-u": "alice" } });
    expect(second).toMatchObject({ body: "grant_type=x&u=bob&client_id=id", headers: { "x-u": "bob" } });
  });
});

describe("the headers", () => {
  it("ask for JSON without a coding, say what is sent, and name the proxy", () => {
    expect(build({}).headers).toEqual({
      accept: "application/json",
      "accept-encoding": "identity",
      "content-type": "application/x-www-form-urlencoded",
      "user-agent": "nextauth-token-proxy",
    });
  });

  it("hold those of the file, which may replace the user agent", () => {
    const { headers } = build({ headers: { "X-Tenant": "r-{{userid}}", "User-Agent": "bank/1" } });
    expect(headers).toMatchObject({ "x-tenant": "r-alice", "user-agent": "bank/1" });
    expect(Object.keys(headers)).toHaveLength(5);
  });

  it.each(["a b", "a\tb", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~"])(
    "may hold visible ASCII with spaces inside: %j",
    (value) => {
      expect(build({ headers: { "X-U": "{{userid}}" } }, { userid: value }).headers["x-u"]).toBe(value);
    },
  );

  it.each(["", " ", " a", "a ", "a\r\nX-Evil: 1", "a\nb", "é", "日本", "a\u0000b", "a\u007f"])(
    "hold no value that could end or change them: %j",
    (value) => {
      expect(() => build({ headers: { "X-User": "{{userid}}" } }, { userid: value })).toThrow(HeaderValueError);
    },
  );

  it("are refused without repeating the value", () => {
    try {
      build({ headers: { "X-User": "{{userid}}" } }, { userid: "canary\n" });
      expect.unreachable();
    } catch (error) {
      expect((error as HeaderValueError).header.toLowerCase()).toBe("x-user");
      expect(String(error)).not.toContain("canary");
    }
  });
});

describe("a secret in its place", () => {
  const settings = { params: { assertion: { env: "A" }, b: "{{userid}}" }, headers: { "X-Key": { env: "K" } } };
  const placed = (text: string) =>
    new Map([
      ["params.assertion", new Secret(text)],
      ["headers.X-Key", new Secret(text)],
    ]);

  it("goes out as it is, never read as a template", () => {
    const { body, headers } = build(settings, VALUES, placed("{{userid}} {{"));
    expect([...new URLSearchParams(body)]).toEqual([
      ["grant_type", "urn:example:user"],
      ["assertion", "{{userid}} {{"],
      ["b", "alice"],
    ]);
    expect(headers["x-key"]).toBe("{{userid}} {{");
  });

  it("of a parameter may not become one of a header of the same name", () => {
    const { body, headers } = build(
      { params: { same: { env: "A" } }, headers: { same: "b" } },
      VALUES,
      new Map([["params.same", new Secret("s")]]),
    );
    expect([body, headers.same]).toEqual(["grant_type=urn%3Aexample%3Auser&same=s", "b"]);
  });
});

it("the file's parameters stand above those that a grant type implies, in the place where these stand", () => {
  const settings = { grant_type: "authorization_code", params: { a: "1", code: "{{userid}}" }, scope: "x" };
  expect(Object.entries(effectiveParams(settings))).toEqual([
    ["code", "{{userid}}"],
    ["a", "1"],
    ["scope", "x"],
  ]);
});
