// Our keys can be looked up by anybody, without a key and without a trace in the log, if the file has an issuer for them.

import { describe, expect, it } from "vitest";
import { makeKey } from "../support/keys.ts";
import { buildApp, call, ownAnswer, whole } from "./build-app.ts";

const secrets = { SIGNING_KEY: (await makeKey("ES256")).pem };
const keys = [{ kid: "a", alg: "ES256", private_key: { env: "SIGNING_KEY" } }];
const JWKS = "http://proxy.example/.well-known/jwks.json";

describe("the documents about our keys", () => {
  it.each(["GET", "HEAD"])("are answered to a %s, without a line in the log", async (method) => {
    const { app, lines } = await buildApp({ secrets, file: { signing: { issuer: "https://proxy.example", keys } } });
    const answer = await whole(await app.request(JWKS, { method }));
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(answer.body.includes('"kid":"a"')).toBe(method === "GET");
    expect(lines).toEqual([]);
  });

  it("only allow GET and HEAD", async () => {
    const { app } = await buildApp({ secrets, file: { signing: { issuer: "https://proxy.example", keys } } });
    expect(await whole(await app.request(JWKS, { method: "POST" }))).toEqual(
      ownAnswer(405, "invalid_request", "method_not_allowed", "only GET, HEAD is allowed on this path", {
        allow: "GET, HEAD",
      }),
    );
  });

  it("are not taken over by a getToken whose path has as many segments", async () => {
    const values = { serverid: ["path:serverid"], userid: ["path:userid"] };
    const get_token = { method: "GET", path: "/{serverid}/{userid}", values };
    const signing = { issuer: "https://proxy.example", keys };
    const { app } = await buildApp({ secrets, provider: { params: {} }, file: { signing, get_token } });
    expect((await app.request(JWKS)).status).toBe(200);
    expect((await app.request("http://proxy.example/s/alice")).status).toBe(401);
  });

  it("are not there without an issuer", async () => {
    const { app } = await buildApp({ secrets, file: { signing: { keys } } });
    expect((await app.request(call({ path: "/.well-known/jwks.json", method: "GET", body: undefined }))).status).toBe(
      404,
    );
  });
});
