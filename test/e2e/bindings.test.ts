// Several bindings side by side: two virtual servers, or two versions of the vendor's specification, each read by its own.

import { describe, expect, it } from "vitest";
import { APIKEY, type CallOptions, NONCE } from "../support/call.ts";
import { expectError } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";

const FORM = "application/x-www-form-urlencoded";

describe(`two bindings and a third on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: {
      get_token: [
        {
          path: "/v1/getToken",
          values: {
            userid: ["body:/user/id", "header:X-User"],
            nonce: { from: ["body:/session/0/nonce"], required: true },
            level: { from: ["body:/level"], type: "integer" },
          },
        },
        {
          method: "GET",
          path: "/v2/servers/{serverid}/token",
          values: {
            userid: ["query:user"],
            serverid: ["path:serverid"],
            nonce: ["header:X-nonce"],
            device: { from: ["query:device"], max_length: 4, required: false },
            level: { from: ["query:level"], type: "integer" },
          },
        },
        {
          path: "/v2/servers/{serverid}/token",
          values: { userid: ["form:user"], serverid: ["path:serverid"], nonce: ["form:nonce"] },
        },
      ],
    },
    provider: { params: { userid: "{{userid}}", nonce: "{{nonce}}" } },
  });
  const sent = () => Object.fromEntries(new URLSearchParams(proxy.provider.requests[0]?.body));

  const V1: CallOptions = {
    path: "/v1/getToken",
    headers: { "X-nonce": undefined },
    body: { user: { id: "alice" }, session: [{ nonce: NONCE }], level: 3 },
  };
  const V2: CallOptions = {
    method: "GET",
    path: "/v2/servers/c2Vy%3D/token?user=alice&device=d%C3%A91&level=3",
    headers: { "Content-Type": undefined },
    body: undefined,
  };

  it("read a call by JSON pointers into lists and objects", async () => {
    expect((await proxy.call(V1)).status).toBe(200);
    expect(sent()).toMatchObject({ userid: "alice", nonce: NONCE });
  });

  it("read a call by GET, beside one by POST at the same path", async () => {
    expect((await proxy.call(V2)).status).toBe(200);
    expect(sent()).toMatchObject({ userid: "alice", nonce: NONCE });
    proxy.provider.requests.length = 0;
    const posted = { ...V2, method: "POST", headers: { "Content-Type": FORM }, body: `user=bob&nonce=${NONCE}` };
    expect((await proxy.call(posted)).status).toBe(200);
    expect(sent()).toMatchObject({ userid: "bob" });
  });

  it("take the first place that has a value", async () => {
    const headers = { ...V1.headers, "X-User": "from-the-header" };
    await proxy.call({ ...V1, headers });
    expect(sent()).toMatchObject({ userid: "alice" });
    proxy.provider.requests.length = 0;
    await proxy.call({ ...V1, headers, body: { session: [{ nonce: NONCE }] } });
    expect(sent()).toMatchObject({ userid: "from-the-header" });
  });

  it.each<[string, CallOptions, string]>([
    ["without a value that is required", { ...V1, body: { user: { id: "alice" } } }, '"nonce"'],
    [
      "with a value that is too long for its rule",
      { ...V2, path: `${V2.path}&user2=x`.replace("d%C3%A91", "12345") },
      '"device"',
    ],
    ["with text for an integer", { ...V1, body: { ...(V1.body as object), level: "3" } }, '"level"'],
    ["with no digits for an integer", { ...V2, path: (V2.path as string).replace("level=3", "level=x") }, '"level"'],
  ])("refuse a call %s", async (_what, call, name) => {
    expect(expectError(await proxy.call(call), "call_invalid")).toContain(name);
    expect(proxy.provider.requests).toEqual([]);
  });

  it("do not read a call by each other", async () => {
    expectError(
      await proxy.call({ ...V2, headers: { "Content-Type": FORM }, method: "POST", body: "" }),
      "call_invalid",
    );
    expectError(await proxy.call({ ...V1, path: "/v2/getToken" }), "not_found");
    expectError(await proxy.call({ ...V1, path: "/getToken" }), "not_found");
    expect(proxy.provider.requests).toEqual([]);
  });

  it("name every method of a path to who uses another", async () => {
    const answer = await proxy.call({ ...V2, method: "DELETE" });
    expectError(answer, "method_not_allowed");
    expect(answer.headers.allow).toBe("GET, POST");
    expect((await proxy.call({ ...V1, method: "GET", body: undefined })).headers.allow).toBe("POST");
  });

  it("all ask who calls", async () => {
    for (const call of [V1, V2]) {
      const headers = { ...call.headers, "X-apikey": undefined };
      expectError(await proxy.call({ ...call, headers }), "caller_unauthenticated");
    }
  });
});

describe(`an integer of the binding on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: { get_token: { values: { userid: ["body:/u"], level: { from: ["body:/l"], type: "integer" } } } },
    provider: { params: { level: "{{level}}" } },
  });

  it.each([
    [3, "3"],
    [-0, "0"],
    [9007199254740991, "9007199254740991"],
  ])("%s goes out as %s", async (l, text) => {
    expect((await proxy.call({ body: { u: "alice", l } })).status).toBe(200);
    expect(new URLSearchParams(proxy.provider.requests[0]?.body).get("level")).toBe(text);
  });

  it("beyond 2^53 is refused, since it is not exact", async () => {
    expectError(await proxy.call({ body: '{"u":"alice","l":9007199254740993}' }), "call_invalid");
  });
});

describe(`the caller's key on ${RUNTIME}`, () => {
  const values = { userid: ["body:/u"] };
  const proxy = useProxy({
    file: {
      get_token: [
        { path: "/bearer", apikey_header: "Authorization", values },
        { path: "/vendor", apikey_header: "X-Vendor-Key", values: { ...values, token: ["header:Authorization"] } },
      ],
    },
    provider: { params: { userid: "{{userid}}" } },
  });
  const to = (path: string, headers: Record<string, string>) =>
    proxy.call({ path, body: { u: "alice" }, headers: { "X-apikey": undefined, ...headers } });

  it("is read from the header that the binding names", async () => {
    expect((await to("/bearer", { Authorization: `Bearer ${APIKEY}` })).status).toBe(200);
    expect((await to("/vendor", { "X-Vendor-Key": APIKEY })).status).toBe(200);
  });

  it.each<[string, Record<string, string>, string]>([
    ["/bearer", { "X-apikey": APIKEY }, 'Bearer realm="getToken"'],
    ["/bearer", { Authorization: APIKEY }, 'Bearer realm="getToken"'],
    ["/bearer", { Authorization: `Basic ${APIKEY}` }, 'Bearer realm="getToken"'],
    ["/vendor", { "X-apikey": APIKEY }, 'x-vendor-key realm="getToken"'],
    ["/vendor", { Authorization: `Bearer ${APIKEY}` }, 'x-vendor-key realm="getToken"'],
  ])("is read from no other place: at %s not from %j", async (path, headers, challenge) => {
    const answer = await to(path, headers);
    expectError(answer, "caller_unauthenticated");
    expect(answer.headers["www-authenticate"]).toBe(challenge);
    expect(proxy.provider.requests).toEqual([]);
  });

  it("is no value of the call; a relayed token in Authorization needs Bearer", async () => {
    const refused = await to("/vendor", { "X-Vendor-Key": APIKEY, Authorization: "Basic YTpi" });
    expect(expectError(refused, "call_invalid")).toContain("Authorization");
    expect((await to("/vendor", { "X-Vendor-Key": APIKEY, Authorization: "bearer t.o.k" })).status).toBe(200);
  });
});
