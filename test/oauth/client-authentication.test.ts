// Each method adds exactly one client authentication mechanism to a token request.

import { decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { Form } from "../../src/core/form.ts";
import { Secret } from "../../src/core/secret.ts";
import { createAssertionFile } from "../../src/oauth/assertion-file.ts";
import {
  type ClientAuthentication,
  type ClientSettings,
  createClientAuthentications,
  credentialOf,
  isSigned,
} from "../../src/oauth/client-authentication.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS, type TokenEndpointAuthMethod } from "../../src/oauth/settings.ts";
import { fakeClock, fakeIds, NOW, unsignedJwt } from "../support/fakes.ts";
import { KEYS } from "./set-up-provider.ts";

/** Characters that some server reads differently. */
const ID = "proxy% +:&é id";
const SECRET = "s% +:&é€=/?\"'\\~!😀 cret";
const ASSERTION = {
  aud: "{{issuer}}",
  typ: "client-authentication+jwt",
  ttl: 60_000,
  backdate: 0,
  header: {},
  claims: {},
};
const VALUES = new Map([
  ["client_id", "id"],
  ["issuer", "https://idp.example/"],
  ["userid", "alice"],
  ["aud", "of the call"],
]);

interface Client {
  method: TokenEndpointAuthMethod;
  client_id?: string | undefined;
  secrets?: string[];
  assertion?: Partial<ClientSettings["client_assertion"]>;
}

function create({ method, client_id, secrets = [SECRET], assertion }: Client) {
  const client_assertion = { ...ASSERTION, ...assertion };
  return createClientAuthentications(
    { token_endpoint_auth_method: method, client_id, client_assertion },
    { secrets: secrets.map((secret) => new Secret(secret)), keys: KEYS },
    { clock: fakeClock(), ids: fakeIds() },
    "providers.main",
  );
}

async function run(authenticate: ClientAuthentication | undefined) {
  const form = new Form();
  const headers: Record<string, string> = {};
  await authenticate?.(form, headers, VALUES);
  return { form: Object.fromEntries(new URLSearchParams(form.toString())), headers };
}

const authenticated = (client: Client) => run(create(client)[0]);

/** The credentials of HTTP Basic, as UTF-8. */
function basicOf({ headers }: { headers: Record<string, string> }): string {
  expect(headers).toEqual({ authorization: expect.stringMatching(/^Basic [A-Za-z0-9+/]+={0,2}$/) });
  return Buffer.from(headers.authorization?.slice("Basic ".length) ?? "", "base64").toString("utf8");
}

it("client_secret_basic form-encodes id and secret before Base64 (RFC 6749 section 2.3.1)", async () => {
  const sent = await authenticated({ method: "client_secret_basic", client_id: ID });
  expect(basicOf(sent)).toBe(
    "proxy%25+%2B%3A%26%C3%A9+id:s%25+%2B%3A%26%C3%A9%E2%82%AC%3D%2F%3F%22%27%5C%7E%21%F0%9F%98%80+cret",
  );
  expect(sent.form).toEqual({}); // a client_id beside HTTP Basic would override it at Keycloak
});

it("client_secret_basic_raw encodes nothing, and may have a secret of 64 KiB", async () => {
  const client = { client_id: ID.replace(":", ""), secrets: [SECRET + "x".repeat(65_536)] };
  const sent = await authenticated({ method: "client_secret_basic_raw", ...client });
  expect(basicOf(sent)).toBe(`${client.client_id}:${client.secrets[0]}`);
  expect(sent.form).toEqual({});
});

it("client_secret_post adds id and secret to the form", async () => {
  const { form, headers } = await authenticated({ method: "client_secret_post", client_id: ID });
  expect([form, headers]).toEqual([{ client_id: ID, client_secret: SECRET }, {}]);
});

it.each(["none", "tls_client_auth", "self_signed_tls_client_auth"] as const)(
  "%s only adds the client_id, if there is one",
  async (method) => {
    expect(await authenticated({ method, client_id: ID })).toMatchObject({ form: { client_id: ID }, headers: {} });
    expect((await authenticated({ method })).form).toEqual({});
  },
);

it.each([undefined, "HS384", "HS512"] as const)("client_secret_jwt signs with the secret and %s", async (alg) => {
  const { form, headers } = await authenticated({ method: "client_secret_jwt", client_id: "id", assertion: { alg } });
  const { client_assertion, ...others } = form;
  const client_assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
  expect([others, headers]).toEqual([{ client_id: "id", client_assertion_type }, {}]);
  const key = new TextEncoder().encode(SECRET);
  const verified = await jwtVerify(String(client_assertion), key, { currentDate: new Date(NOW) });
  expect(verified.protectedHeader).toEqual({ alg: alg ?? "HS256", typ: "client-authentication+jwt" });
  const times = { iat: NOW / 1000, exp: NOW / 1000 + 60 };
  expect(verified.payload).toEqual({ iss: "id", sub: "id", aud: "https://idp.example/", ...times, jti: "uuid-1" });
});

describe("private_key_jwt", () => {
  const CLIENT = { method: "private_key_jwt", client_id: "id" } as const;

  it.each(["id", undefined])("sends the assertion of a file as it is, with client_id %s", async (client_id) => {
    const jwt = unsignedJwt({ aud: "a", exp: NOW });
    const [authenticate, ...others] = createClientAuthentications(
      { token_endpoint_auth_method: "private_key_jwt", client_id, client_assertion: ASSERTION },
      { secrets: [], keys: KEYS, assertionFile: createAssertionFile(async () => jwt, "a", "key") },
      { clock: fakeClock(), ids: fakeIds() },
      "providers.main",
    );
    expect(others).toEqual([]);
    expect(await run(authenticate)).toEqual({
      form: {
        ...(client_id && { client_id }),
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: jwt,
      },
      headers: {},
    });
  });

  it("signs with the client's key, for the audience of the file, which is a template", async () => {
    const { form, headers } = await authenticated({ ...CLIENT, assertion: { aud: "{{issuer}}oauth/{{userid}}" } });
    expect([Object.keys(form), headers]).toEqual([["client_id", "client_assertion_type", "client_assertion"], {}]);
    const publicKey = KEYS[0]?.publicJwk as Parameters<typeof jwtVerify>[1];
    const verified = await jwtVerify(String(form.client_assertion), publicKey, { currentDate: new Date(NOW) });
    expect(verified.protectedHeader).toMatchObject({ alg: "ES256", kid: "first" });
    expect(verified.payload.aud).toBe("https://idp.example/oauth/alice");
  });

  it("has the members that the file adds, and not those that it removes", async () => {
    const assertion = {
      typ: null,
      header: { kid: null, x: "{{userid}}" },
      claims: { jti: null, aud: ["{{issuer}}", "b"], tenant: "{{aud}}" },
    };
    const jwt = String((await authenticated({ ...CLIENT, assertion })).form.client_assertion);
    const [header, claims] = [decodeProtectedHeader(jwt), decodeJwt(jwt)];
    expect(header).toEqual({ alg: "ES256", x: "alice" });
    expect(claims).toMatchObject({ aud: ["https://idp.example/", "b"], tenant: "of the call" });
    expect(claims).not.toHaveProperty("jti");
  });
});

describe("every method", () => {
  it("says which credential it needs, and whether it signs", () => {
    const SIGNED = ["client_secret_jwt", "private_key_jwt"];
    expect(TOKEN_ENDPOINT_AUTH_METHODS.filter(isSigned)).toEqual(SIGNED);
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

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("has one function per credential, in their order: %s", async (method) => {
    const all = await Promise.all(create({ method, client_id: ID, secrets: ["first", "second"] }).map(run));
    const used = all.map(({ form, headers }) => {
      if (headers.authorization !== undefined) return basicOf({ headers }).split(":").at(-1);
      if (method === "private_key_jwt") return decodeProtectedHeader(String(form.client_assertion)).kid;
      return form.client_secret ?? (form.client_assertion === undefined ? undefined : "a JWT");
    });
    if (method === "client_secret_jwt") expect(used).toEqual(["a JWT", "a JWT"]);
    else if (["secret", "key"].includes(credentialOf(method))) expect(used).toEqual(["first", "second"]);
    else expect(used).toEqual([undefined]);
  });

  it.each(["client_secret_jwt", "private_key_jwt"] as const)("has a new JWT for each request: %s", async (method) => {
    const [authenticate] = create({ method, client_id: ID });
    const jtiOf = async () => decodeJwt((await run(authenticate)).form.client_assertion ?? "").jti;
    expect([await jtiOf(), await jtiOf()]).toEqual(["uuid-1", "uuid-2"]);
  });
});
