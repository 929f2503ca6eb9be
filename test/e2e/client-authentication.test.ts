// Client authentication as it stands on the wire, for credentials that only survive where they are encoded rightly.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { RUNTIME, startHost } from "../support/host.ts";
import { type RecordedRequest, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const ID = "cliént%+ &id"; // oidc-provider takes no "é" (RFC 6749 App. A has ASCII only), others do
const SECRET = "s%+: &é=";

let provider: RecordingProvider;
beforeAll(async () => {
  provider = await startRecordingProvider();
});
afterAll(() => provider?.close());

/** Makes one call and gives what reached the provider, split into the places where credentials can stand. */
async function credentialsSent(method: string, client_id = ID) {
  const changes = {
    client_id,
    token_endpoint_auth_method: method,
    client_secret: method === "none" ? undefined : { env: "CLIENT_SECRET" },
  };
  const host = await startHost(fileConfig(provider.tokenEndpoint, { provider: changes }), {
    APIKEY,
    CLIENT_SECRET: SECRET,
  });
  try {
    provider.requests.length = 0;
    expect((await callGetToken(host.url)).status).toBe(200);
    expect(provider.requests).toHaveLength(1);
    const { headers, body } = provider.requests[0] as RecordedRequest;
    const form = new URLSearchParams(body);
    return {
      authorization: headers.authorization,
      basic: Buffer.from(headers.authorization?.replace(/^Basic /, "") ?? "", "base64").toString("utf8"),
      form: Object.fromEntries([...form].filter(([name]) => name.startsWith("client_"))),
    };
  } finally {
    await host.close();
  }
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
    const { basic } = await credentialsSent("client_secret_basic", "token-proxy_1.a");
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

  it("sends the id alone with none", async () => {
    const { authorization, form } = await credentialsSent("none");
    expect(authorization).toBeUndefined();
    expect(form).toEqual({ client_id: ID });
  });
});
