// Exactly one client authentication mechanism goes into a request, its credentials encoded as the method says.

import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { Form } from "../../src/core/form.ts";
import { Secret } from "../../src/core/secret.ts";
import {
  type ClientAuthentication,
  type ClientSettings,
  createClientAuthentications,
  credentialOf,
  TOKEN_ENDPOINT_AUTH_METHODS,
  type TokenEndpointAuthMethod,
} from "../../src/oauth/client-authentication.ts";
import { importSigningKey } from "../../src/oauth/signing-key.ts";
import { fakeClock, fakeIds, NOW, sha256 } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";

const signingKey = async (kid: string) =>
  importSigningKey(
    { kid, alg: "ES256", key: new Secret((await makeKey("ES256")).pem), certificate: undefined },
    { sha256 },
  );
const KEYS = await Promise.all(["first", "second"].map(signingKey));

const ASSERTION = {
  aud: "{{issuer}}",
  typ: "client-authentication+jwt",
  ttl: 60_000,
  backdate: 0,
  header: {},
  claims: {},
};

function create(
  method: TokenEndpointAuthMethod,
  id: string | undefined,
  secrets: string[],
  client_assertion: Partial<ClientSettings["client_assertion"]> = {},
) {
  return createClientAuthentications(
    {
      token_endpoint_auth_method: method,
      client_id: id,
      client_assertion: { ...ASSERTION, ...client_assertion },
    },
    { secrets: secrets.map((secret) => new Secret(secret)), keys: KEYS },
    { clock: fakeClock(), ids: fakeIds() },
  );
}

async function run(authenticate: ClientAuthentication | undefined) {
  const form = new Form();
  const headers: Record<string, string> = { accept: "application/json" };
  form.append("grant_type", "x");
  const values = new Map([
    ["client_id", "id"],
    ["issuer", "https://idp.example/"],
    ["userid", "alice"],
    ["aud", "of the call"],
  ]);
  await authenticate?.(form, headers, values);
  return { body: form.toString(), form: new URLSearchParams(form.toString()), headers };
}

const authenticated = (...arguments_: Parameters<typeof create>) => run(create(...arguments_)[0]);

/** What HTTP Basic carries, in bytes of UTF-8. */
function basicCredentials(authorization: string | undefined): string {
  const encoded = /^Basic ([A-Za-z0-9+/]+={0,2})$/.exec(authorization ?? "")?.[1];
  if (encoded === undefined) throw new Error(`no HTTP Basic: ${authorization}`);
  return Buffer.from(encoded, "base64").toString("utf8");
}

/** Every sign of wire trap 1. */
const ID = "proxy% +:&é id";
const SECRET = "s% +:&é€=/?\"'\\~!😀 cret";

describe("client_secret_basic", () => {
  it("form-encodes id and secret before base64 (RFC 6749 §2.3.1)", async () => {
    const { headers } = await authenticated("client_secret_basic", "a b:c", ["d%e+f&gé"]);
    expect(headers.authorization).toBe(`Basic ${Buffer.from("a+b%3Ac:d%25e%2Bf%26g%C3%A9").toString("base64")}`);
  });

  it("is undone by a server that decodes strictly, whatever id and secret hold", async () => {
    const { headers } = await authenticated("client_secret_basic", ID, [SECRET]);
    const [id, secret, ...more] = basicCredentials(headers.authorization).split(":");
    expect(more).toEqual([]);
    const decode = (text: string | undefined) => new URLSearchParams(`x=${text}`).get("x");
    expect(decode(id)).toBe(ID);
    expect(decode(secret)).toBe(SECRET);
  });

  it("leaves a plain id and secret as they are, for servers that do not decode", async () => {
    const { headers } = await authenticated("client_secret_basic", "token-proxy", ["Abc.09_*-"]);
    expect(basicCredentials(headers.authorization)).toBe("token-proxy:Abc.09_*-");
  });
});

describe("client_secret_basic_raw", () => {
  it("encodes nothing, in UTF-8, for servers that do not decode", async () => {
    const id = ID.replace(":", "");
    const { headers } = await authenticated("client_secret_basic_raw", id, [SECRET]);
    expect(basicCredentials(headers.authorization)).toBe(`${id}:${SECRET}`);
  });
});

describe("client_secret_post", () => {
  it("puts id and secret into the form", async () => {
    const { body, form } = await authenticated("client_secret_post", ID, [SECRET]);
    expect(form.get("client_id")).toBe(ID);
    expect(form.get("client_secret")).toBe(SECRET);
    expect(body).toMatch(/^grant_type=x&client_id=[^&]+&client_secret=[^&]+$/);
  });
});

describe("none", () => {
  it("names the client and nothing more", async () => {
    const { form } = await authenticated("none", ID, []);
    expect([...form]).toEqual([
      ["grant_type", "x"],
      ["client_id", ID],
    ]);
  });

  it("sends no empty client_id where there is none", async () => {
    expect((await authenticated("none", undefined, [])).body).toBe("grant_type=x");
  });
});

it.each(["tls_client_auth", "self_signed_tls_client_auth"] as const)(
  "%s names the client, whose certificate is the connection's",
  async (method) => {
    expect(await authenticated(method, ID, [])).toMatchObject({
      body: `grant_type=x&${new URLSearchParams({ client_id: ID })}`,
      headers: { accept: "application/json" },
    });
  },
);

describe("client_secret_jwt", () => {
  it.each(["HS256", "HS384", "HS512"] as const)("signs with the secret by %s, and names no key", async (alg) => {
    const { form } = await authenticated("client_secret_jwt", "id", [SECRET], { alg });
    expect([...form.keys()]).toEqual(["grant_type", "client_id", "client_assertion_type", "client_assertion"]);
    expect(form.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    const { protectedHeader, payload } = await jwtVerify(
      String(form.get("client_assertion")),
      new TextEncoder().encode(SECRET),
      { currentDate: new Date(NOW) },
    );
    expect(protectedHeader).toEqual({ alg, typ: "client-authentication+jwt" });
    expect(payload).toEqual({
      iss: "id",
      sub: "id",
      aud: "https://idp.example/",
      iat: NOW / 1000,
      exp: NOW / 1000 + 60,
      jti: "uuid-1",
    });
  });

  it("is HS256 where the file says nothing", async () => {
    const { form } = await authenticated("client_secret_jwt", "id", ["s"]);
    expect(decodeProtectedHeader(String(form.get("client_assertion"))).alg).toBe("HS256");
  });
});

describe("private_key_jwt", () => {
  it("has an audience of text and parts, as the file writes it", async () => {
    const { form } = await authenticated("private_key_jwt", "id", [], { aud: "{{issuer}}oauth/{{userid}}" });
    expect(decodeJwt(String(form.get("client_assertion"))).aud).toBe("https://idp.example/oauth/alice");
  });

  it("has the members that the file adds, and lacks those that it takes away", async () => {
    const { form } = await authenticated("private_key_jwt", "id", [], {
      typ: null,
      header: { kid: null, x: "{{userid}}" },
      claims: { jti: null, aud: ["{{issuer}}", "b"] },
    });
    const jwt = String(form.get("client_assertion"));
    expect(decodeProtectedHeader(jwt)).toEqual({ alg: "ES256", x: "alice" });
    expect(decodeJwt(jwt)).toMatchObject({ aud: ["https://idp.example/", "b"] });
    expect(decodeJwt(jwt)).not.toHaveProperty("jti");
  });
});

it("a value of the call that is named aud is none of the assertion's own", async () => {
  const { form } = await authenticated("private_key_jwt", "id", [], { claims: { tenant: "{{aud}}" } });
  expect(decodeJwt(String(form.get("client_assertion")))).toMatchObject({
    aud: "https://idp.example/",
    tenant: "of the call",
  });
});

describe("of all mechanisms", () => {
  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("%s uses one alone", async (method) => {
    const { form, headers } = await authenticated(method, "id-canary", ["secret-canary"]);
    const used = [headers.authorization !== undefined, form.has("client_secret"), form.has("client_assertion")];
    const inRequest = credentialOf(method) === "secret" || credentialOf(method) === "key";
    expect(used.filter(Boolean)).toHaveLength(inRequest ? 1 : 0);
    // A client_id beside HTTP Basic would override it at Keycloak.
    expect(form.has("client_id")).toBe(headers.authorization === undefined);
    expect(Object.keys(headers).filter((name) => name !== "accept" && name !== "authorization")).toEqual([]);
  });

  it("each asks for the credential that it sends", () => {
    expect(Object.fromEntries(TOKEN_ENDPOINT_AUTH_METHODS.map((method) => [method, credentialOf(method)]))).toEqual({
      client_secret_basic: "secret",
      client_secret_basic_raw: "secret",
      client_secret_post: "secret",
      client_secret_jwt: "secret",
      private_key_jwt: "key",
      tls_client_auth: "certificate",
      self_signed_tls_client_auth: "certificate",
      none: "nothing",
    });
  });

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("%s gives one function for each credential, in their order", async (method) => {
    const all = await Promise.all(create(method, ID, ["first", "second"]).map(run));
    const several = ["secret", "key"].includes(credentialOf(method));
    expect(all).toHaveLength(several ? 2 : 1);
    const sent = all.map(({ form, headers }) => {
      const jwt = form.get("client_assertion");
      if (method === "private_key_jwt") return decodeProtectedHeader(String(jwt)).kid;
      if (headers.authorization !== undefined) return basicCredentials(headers.authorization).split(":").at(-1);
      return form.get("client_secret") ?? (jwt === null ? null : "a JWT");
    });
    if (method === "client_secret_jwt") expect(sent).toEqual(["a JWT", "a JWT"]);
    else expect(sent).toEqual(several ? ["first", "second"] : [null]);
  });

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("%s does the same for every request, but for a fresh JWT", async (method) => {
    const [authenticate] = create(method, ID, [SECRET]);
    const [first, second] = [await run(authenticate), await run(authenticate)];
    const jtiOf = ({ form }: typeof first) => decodeJwt(String(form.get("client_assertion"))).jti;
    if (first.form.has("client_assertion")) expect([jtiOf(first), jtiOf(second)]).toEqual(["uuid-1", "uuid-2"]);
    else expect(first).toEqual(second);
  });

  it.each(["client_secret_basic", "client_secret_basic_raw"] as const)(
    "%s takes a secret of a whole key file",
    async (method) => {
      const secret = "x".repeat(65_536);
      const { headers } = await authenticated(method, "id", [secret]);
      expect(basicCredentials(headers.authorization)).toBe(`id:${secret}`);
    },
  );
});
