// Rules between the parts of the file: bindings, routes, signing keys and listeners.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, withKeys } from "./file.ts";

const values = (text: string, path = "/getToken", method = "POST") =>
  withKeys(`get_token: { method: ${method}, path: "${path}", values: { ${text}, nonce: [header:X-nonce] } }`);

describe("get_token", () => {
  it.each(["/healthz", "/.well-known/jwks.json", "/.well-known/x"])(
    "must not use a path with another purpose: %s",
    (path) => {
      expect(faultsOf(withKeys(`get_token: { path: ${path} }`))).toEqual([
        'f.yaml:11:20 "get_token.path" must not be /healthz or contain /.well-known/, which have other uses',
      ]);
    },
  );

  it("must not use a segment name twice", () => {
    expect(faultsOf(values("userid: [path:u]", "/{u}/{u}"))).toEqual([
      'f.yaml:11:34 "get_token.path" uses a segment name twice; give each segment a different name',
    ]);
  });

  it("must set the values of a GET", () => {
    expect(faultsOf(withKeys("get_token: { method: GET }"))).toEqual([
      'f.yaml:11:22 "get_token.method" is GET, which has no body, but values reads serverid, userid, accountid, nonce from it; use query:, header: or path:',
    ]);
  });

  it("must contain userid", () => {
    expect(faultsOf(withKeys("get_token: { values: { nonce: [header:X-nonce] } }"))).toEqual([
      'f.yaml:11:22 "get_token.values" must contain userid, the user to get a token for',
    ]);
  });

  it.each(["client_id", "issuer", "token_endpoint", "signing_issuer", "now", "uuid", "iat", "exp"])(
    "must not name a value %s",
    (name) => {
      expect(faultsOf(values(`userid: [body:/a], ${name}: [body:/b]`))).toEqual([
        expect.stringMatching(
          new RegExp(
            `^f\\.yaml:11:\\d+ "get_token\\.values\\.${name}" is a built-in name of templates; choose another$`,
          ),
        ),
      ]);
    },
  );

  it("must have the path segments that its values read", () => {
    expect(faultsOf(values("userid: [body:/a], serverid: [path:server]", "/servers/{serverid}/getToken"))).toEqual([
      expect.stringMatching(
        /"get_token\.values\.serverid\[0\]" is not a segment of "get_token\.path"; add \{server\} there$/,
      ),
    ]);
    const { get_token } = configOf(values("userid: [path:user]", "/users/{user}/token"));
    expect(get_token[0]?.values.userid?.from).toEqual([{ in: "path", name: "user" }]);
  });

  it.each(["X-apikey", "Proxy-Authorization", "COOKIE"])(
    "must not pass on the caller's credentials from %s",
    (header) => {
      expect(faultsOf(values(`userid: [body:/a], extra: [body:/b, "header:${header}"]`))).toEqual([
        expect.stringMatching(/"get_token\.values\.extra\[1\]" must not be a header with the caller's credentials$/),
      ]);
    },
  );

  it("can relay a token in Authorization, unless it carries the caller's key", () => {
    const extra = 'userid: [body:/a], extra: ["header:Authorization"]';
    expect(faultsOf(values(extra))).toEqual([]);
    expect(faultsOf(values(extra).replace("method:", "apikey_header: AUTHORIZATION, method:"))).toEqual([
      expect.stringMatching(/"get_token\.values\.extra\[0\]" must not be a header with the caller's credentials$/),
    ]);
  });

  it("must not read the body of a GET", () => {
    expect(faultsOf(values("userid: [query:u, body:/a], serverid: [form:s]", "/getToken", "GET"))).toEqual([
      'f.yaml:11:22 "get_token.method" is GET, which has no body, but values reads userid, serverid from it; use query:, header: or path:',
    ]);
    expect(faultsOf(values("userid: [query:u]", "/getToken", "GET"))).toEqual([]);
  });

  it("adds values for templates", () => {
    const text = withKeys("get_token: { values: { userid: [body:/u], nonce: [body:/n], subject_token: [body:/t] } }");
    expect(faultsOf(text.replace("authorization_code", 'x\n    params: { t: "{{subject_token}}" }'))).toEqual([]);
  });
});

describe("routes", () => {
  const second = `  second:
    token_endpoint: https://idp.example/token
    client_id: x
    client_secret: { env: S }
    grant_type: x`;

  it("are needed with several providers", () => {
    expect(faultsOf(withKeys(second))).toEqual([
      'f.yaml:1:1 "routes" is missing; with several providers, it says which one a call uses',
    ]);
    expect(
      configOf(withKeys(second, "routes: [{ serverid: a, provider: second }, { provider: main }]")).routes,
    ).toEqual([{ serverid: "a", provider: "second" }, { provider: "main" }]);
  });

  it("must name existing providers", () => {
    expect(faultsOf(withKeys("routes: [{ serverid: a, provider: mai }, { provider: retail }]"))).toEqual([
      'f.yaml:11:35 "routes[0].provider" is not a provider of this file; did you mean "main"?',
      'f.yaml:11:54 "routes[1].provider" is not a provider of this file; the providers are main',
    ]);
  });

  it.each(["toString", "__proto__", "constructor"])("must not name a property of every object: %s", (name) => {
    expect(faultsOf(withKeys(`routes: [{ provider: ${name} }]`))).toEqual([
      'f.yaml:11:22 "routes[0].provider" is not a provider of this file; the providers are main',
    ]);
  });

  it.each([
    ["below a route for every call", "[{ provider: main }, { serverid: a, provider: main }]", "11:30", 1],
    ["for a serverid that has one", "[{ serverid: a, provider: main }, { serverid: a, provider: main }]", "11:43", 1],
    ["below a route for every call that is one itself", "[{ provider: main }, { provider: main }]", "11:30", 1],
  ])("must be reachable, not %s", (_, routes, place, index) => {
    expect(faultsOf(withKeys(`routes: ${routes}`))).toEqual([
      `f.yaml:${place} "routes[${index}]" is unreachable, because a route above matches the same calls; move it up or remove it`,
    ]);
  });
});

describe("a binding without serverid", () => {
  const binding = "get_token: { values: { userid: [body:/u], nonce: [body:/n] } }";
  const message = 'never matches, because no call has a serverid; add one to "get_token.values"';

  it("cannot be restricted by the serverids of callers and routes", () => {
    const text = withKeys(binding, "routes: [{ serverid: a, provider: main }, { provider: main }]").replace(
      "providers:",
      "    serverids: [a]\nproviders:",
    );
    expect(faultsOf(text)).toEqual([
      `f.yaml:5:16 "callers.nextauth-server.serverids" ${message}`,
      `f.yaml:13:22 "routes[0].serverid" ${message}`,
    ]);
  });

  it("is valid if nothing depends on the serverid", () => {
    expect(faultsOf(withKeys(binding, "routes: [{ provider: main }]"))).toEqual([]);
  });
});

describe("signing", () => {
  const key = (kid: string, more = "") => `    - { kid: ${kid}, alg: ES256, private_key: { env: K }${more} }`;

  it("must not use a kid twice", () => {
    expect(faultsOf(withKeys("signing:", "  keys:", key("a"), key("b"), key("a", ", use: verify")))).toEqual([
      'f.yaml:15:14 "signing.keys[2].kid" is already used by a key above; each key needs a different kid',
    ]);
  });

  it("must have a key that signs", () => {
    expect(faultsOf(withKeys("signing:", "  keys:", key("a", ", use: verify")))).toEqual([
      'f.yaml:13:5 "signing.keys" has no key that signs; remove "use: verify" from one of the keys',
    ]);
  });

  it("can have no issuer, and keys that only verify next to one that signs", () => {
    expect(faultsOf(withKeys("signing:", "  keys:", key("a", ", use: verify"), key("b")))).toEqual([]);
  });
});

describe("server", () => {
  it("must have different addresses for callers and admin", () => {
    expect(faultsOf(withKeys("server: { listen: 0.0.0.0:80, admin: 0.0.0.0:80 }"))).toEqual([
      'f.yaml:11:38 "server.admin" must differ from server.listen, because callers must not reach it',
    ]);
  });

  it("must not use the default of one for the other", () => {
    expect(faultsOf(withKeys("server: { listen: 127.0.0.1:9613 }"))).toEqual([
      'f.yaml:11:9 "server.admin" must differ from server.listen, because callers must not reach it',
    ]);
  });

  it.each(["{ listen: 127.0.0.1:0, admin: 127.0.0.1:0 }", "{ listen: 127.0.0.1:80, admin: 10.0.0.1:80 }"])(
    "can have two free ports, or one port on two addresses: %s",
    (server) => {
      expect(faultsOf(withKeys(`server: ${server}`))).toEqual([]);
    },
  );
});
