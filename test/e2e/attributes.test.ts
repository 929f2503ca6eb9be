// {{attributes.NAME}}: what the nextAuth Server knows of the user goes into the token request.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { expectError, MARKER } from "../support/expect-error.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const USERID = "alice/../a?b#c é";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let verifying: Host;
let trusting: Host;

function start(session: "verify" | "trust"): Promise<Host> {
  const file = fileConfig(provider.tokenEndpoint, {
    provider: {
      params: { userid: "{{userid}}", branch: "{{attributes.branch}}", note: "{{attributes.note}}" },
      headers: { "X-Branch": "{{attributes.branch}}" },
      scope: "openid {{attributes.branch}}",
    },
    file: { nextauth: nextauthConfig(nextauth, { timeout: "2s" }), get_token: { session } },
  });
  return startHost(file, { ...SECRETS, NEXTAUTH_APIKEY });
}

const call = (host: Host, userid: string, nonce = NONCE): Promise<Answered> =>
  callGetToken(host.url, { body: { ...CALL, userid }, headers: { "X-nonce": nonce } });

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
  nextauth.setUserAttributes(SERVERID, USERID, { branch: "Gent", note: "", other: "x" });
  nextauth.setUserAttributes(SERVERID, "no-branch", { note: "n" });
  nextauth.setUserAttributes(SERVERID, "odd-branch", { branch: "Gent é", note: "n" });
  verifying = await start("verify");
  trusting = await start("trust");
});
beforeEach(() => {
  provider.requests.length = 0;
  nextauth.requests.length = 0;
  nextauth.answer = undefined;
});
afterAll(async () => {
  await verifying?.close();
  await trusting?.close();
  await nextauth?.close();
  await provider?.close();
});

describe(`attributes of the user on ${RUNTIME}`, () => {
  it("are fetched once for a call, after its session was confirmed, and fill in every place", async () => {
    const nonce = nextauth.login(SERVERID, { ...ALICE, userid: USERID });
    expect((await call(verifying, USERID, nonce)).status).toBe(200);
    expect(nextauth.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "GET /servers/c2VydmVyLTE%3D/sessions/",
      "GET /servers/c2VydmVyLTE%3D/users/alice%2F..%2Fa%3Fb%23c%20%C3%A9/attributes/",
    ]);
    expect(nextauth.requests[1]?.headers).toMatchObject({ "x-apikey": NEXTAUTH_APIKEY });
    const [request] = provider.requests;
    expect(Object.fromEntries(new URLSearchParams(request?.body))).toEqual({
      grant_type: "urn:example:user",
      userid: USERID,
      branch: "Gent",
      scope: "openid Gent",
    });
    expect(request?.headers["x-branch"]).toBe("Gent");
  });

  it("are not fetched for a session that is not confirmed", async () => {
    expectError(await call(verifying, USERID), "session_not_logged_in");
    expect(nextauth.requests).toHaveLength(1);
  });

  it("are those of the user that the caller names, where its word is enough", async () => {
    expect((await call(trusting, USERID)).status).toBe(200);
    expect(nextauth.requests).toHaveLength(1);
  });

  it("that the user does not have are attribute_missing, by their name in the file", async () => {
    expect(expectError(await call(trusting, "no-branch"), "attribute_missing")).toMatch(/"branch".*"providers\.main"/);
    expectError(await call(trusting, "nobody"), "attribute_missing");
    expect(provider.requests).toEqual([]);
  });

  it("that no header carries make the call invalid", async () => {
    expect(expectError(await call(trusting, "odd-branch"), "call_invalid")).toContain("headers.X-Branch");
    expect(provider.requests).toEqual([]);
  });

  it.each([".", ".."])("of the user %s are asked for nowhere", async (userid) => {
    expectError(await call(trusting, userid), "call_invalid");
    expect(nextauth.requests).toEqual([]);
  });

  it.each<[string, () => Response]>([
    ["a list", () => Response.json([{ branch: "Gent" }])],
    ["a list of pairs", () => Response.json([["branch", "Gent"]])],
    ["text", () => new Response(`branch=${MARKER}`)],
    ["JSON text", () => Response.json("branch")],
    ["null", () => Response.json(null)],
    ["a number in it", () => Response.json({ branch: "Gent", floor: 7 })],
    ["an object in it", () => Response.json({ branch: { city: "Gent" } })],
    ["a line break in it", () => Response.json({ branch: "Gent\r\nX-Evil: 1" })],
    ["no body", () => new Response(null, { status: 204 })],
    ["a status 500", () => Response.json({ branch: MARKER }, { status: 500 })],
    ["a status 403", () => Response.json({ branch: MARKER }, { status: 403 })],
    ["a redirect", () => new Response(null, { status: 302, headers: { Location: "/" } })],
    ["70 kB", () => Response.json({ branch: "a".repeat(70_000) })],
  ])("are attributes_failed where the answer is %s", async (_what, answer) => {
    nextauth.answer = answer;
    expect(expectError(await call(trusting, USERID), "attributes_failed")).toContain('"nextauth"');
    expect(provider.requests).toEqual([]);
  });

  it("are attributes_timeout where none comes in time", async () => {
    nextauth.answer = () => new Promise(() => {});
    expectError(await call(trusting, USERID), "attributes_timeout");
    expect(provider.requests).toEqual([]);
  });
});
