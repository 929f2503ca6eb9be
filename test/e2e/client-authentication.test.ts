// Client authentication on the wire, for credentials that only survive if they are encoded correctly.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { type RecordedRequest, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const ID = "cliént%+ &id"; // oidc-provider takes no "é" (RFC 6749 App. A has ASCII only), others do
const SECRET = "s%+: &é=";

const METHODS = ["client_secret_basic", "client_secret_basic_raw", "client_secret_post", "none"];

let provider: RecordingProvider;
let host: Host;
/** A provider for each method, and one with an id that needs no encoding, told apart by the serverid. */
beforeAll(async () => {
  provider = await startRecordingProvider();
  const of = (method: string, client_id = ID) =>
    providerConfig(provider.tokenEndpoint, {
      client_id,
      token_endpoint_auth_method: method,
      client_secret: method === "none" ? undefined : { env: "CLIENT_SECRET" },
    });
  const providers = {
    ...Object.fromEntries(METHODS.map((method) => [method, of(method)])),
    readable: of("client_secret_basic", "token-proxy_1.a"),
  };
  const routes = Object.keys(providers).map((name) => ({ serverid: name, provider: name }));
  host = await startHost(fileConfig(provider.tokenEndpoint, { file: { providers, routes } }), {
    APIKEY,
    CLIENT_SECRET: SECRET,
  });
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

/** Makes one call and gives what reached the provider, split into the places where credentials can be. */
async function credentialsSent(serverid: string) {
  provider.requests.length = 0;
  expect((await callGetToken(host.url, { body: { ...CALL, serverid } })).status).toBe(200);
  expect(provider.requests).toHaveLength(1);
  const { headers, body } = provider.requests[0] as RecordedRequest;
  const form = new URLSearchParams(body);
  return {
    authorization: headers.authorization,
    basic: Buffer.from(headers.authorization?.replace(/^Basic /, "") ?? "", "base64").toString("utf8"),
    form: Object.fromEntries([...form].filter(([name]) => name.startsWith("client_"))),
  };
}

/** As a server does that follows RFC 6749 §2.3.1 to the letter. */
const formDecode = (text: string) => decodeURIComponent(text.replaceAll("+", "%20"));

describe(`client authentication on ${RUNTIME}`, () => {
  it("form-encodes id and secret before base64 with client_secret_basic, and puts nothing in the form", async () => {
    const { basic, form } = await credentialsSent("client_secret_basic");
    expect(basic.split(":").map(formDecode)).toEqual([ID, SECRET]);
    expect(form).toEqual({});
  });

  it("leaves an id of letters, digits, hyphen, dot and underscore readable for servers that do not decode", async () => {
    const { basic } = await credentialsSent("readable");
    expect(basic.split(":")[0]).toBe("token-proxy_1.a");
  });

  it("sends id and secret as they are with client_secret_basic_raw", async () => {
    const { basic, form } = await credentialsSent("client_secret_basic_raw");
    expect(basic).toBe(`${ID}:${SECRET}`);
    expect(form).toEqual({});
  });

  it("sends both in the form and no Authorization with client_secret_post", async () => {
    const { authorization, form } = await credentialsSent("client_secret_post");
    expect(authorization).toBeUndefined();
    expect(form).toEqual({ client_id: ID, client_secret: SECRET });
  });

  it("sends only the id with none", async () => {
    const { authorization, form } = await credentialsSent("none");
    expect(authorization).toBeUndefined();
    expect(form).toEqual({ client_id: ID });
  });
});
