// Whatever the nextAuth Server answers, a token is requested only for the logged-in user.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { createNextAuthClient, parseAttributes, parseLoginStatus } from "../../src/nextauth/client.ts";
import { isFault, readValue } from "../../src/nextauth/values.ts";
import { call, TOKEN } from "../support/app.ts";
import { CALL, readResponse } from "../support/call.ts";
import { MARKER } from "../support/expect-error.ts";
import { fakeClock, fakeProvider, response } from "../support/fakes.ts";
import { anyJson, anyText, buildFuzzedApp, bytesOf, forAll, mutated, RUNS, rowOf, watchRejections } from "./fuzz.ts";

watchRejections();

const part = fc.oneof(fc.constantFrom<unknown>(true, "true", 1, 7, 7.5, -0, "alice", "bob", null), anyJson("userid"));
const status = fc
  .array(fc.tuple(fc.constantFrom("loggedin", "userid", "accountid", "pk", "__proto__"), part), { maxLength: 3 })
  .map((members) => JSON.stringify({ loggedin: true, userid: "alice", accountid: 7, ...Object.fromEntries(members) }));
const PIECES = ['"userid":"bob",', '"loggedin":false,', "\\u0000", "\\ud800", "{", "}", "[", "e9", ".0", "\ufeff"];
const body = fc.oneof(
  { weight: 3, arbitrary: status.map(bytesOf) },
  mutated(status, PIECES).map(bytesOf),
  anyJson("loggedin", "userid").map((value) => bytesOf(JSON.stringify(value))),
  fc.uint8Array({ maxLength: 64 }),
);

/** The parsed object; undefined if it is not a JSON object. */
function read(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

describe("a LoginStatus", () => {
  it("is read as written, or refused with a reason", async () => {
    await forAll(body, (bytes) => {
      const parsed = parseLoginStatus(bytes);
      if (typeof parsed === "string") return expect(parsed).toMatch(/^answered /);
      const written = read(bytes);
      expect(parsed.loggedin).toBe(written?.loggedin);
      if (!parsed.loggedin) return;
      expect(parsed.userid).toBe(written?.userid);
      expect(parsed.accountid).toBe(written?.accountid ?? undefined);
    });
  });

  const SESSION_CODES = ["session_not_logged_in", "session_mismatch", "session_check_failed"];

  it("lets a token be requested only for its own user", async () => {
    const { app, upstream, lines } = await buildFuzzedApp({
      provider: { params: { userid: "{{userid}}", accountid: "{{accountid}}" } },
      file: { nextauth: { url: "https://ns.example", apikey: { env: "NS" } } },
      secrets: { NS: "apikey-of-the-virtual-server" },
    });
    const calls = fc.constantFrom({ serverid: CALL.serverid }, CALL, { ...CALL, userid: "bob" });
    const httpStatus = fc.oneof({ weight: 6, arbitrary: fc.constant(200) }, fc.integer({ min: 200, max: 599 }));
    let tokens = 0;
    await forAll(
      fc.tuple(body, httpStatus, calls),
      async ([bytes, status, named]) => {
        upstream.requests.length = 0;
        upstream.answer = ({ url }) =>
          url.startsWith("https://ns.example/") ? response(status, bytes, { "x-any": MARKER }) : response(200, TOKEN);
        const answer = await readResponse(await app.request(call({ body: named })));
        const [session, ...asked] = upstream.requests;
        expect(session?.url).toBe("https://ns.example/servers/c2VydmVyLTE%3D/sessions/");
        expect(JSON.stringify(lines.splice(0))).not.toContain(MARKER);
        const code = rowOf(answer);
        if (code !== undefined) {
          // A call whose session has no accountid lacks what this provider needs.
          expect([...SESSION_CODES, "call_invalid"]).toContain(code);
          return expect(asked).toEqual([]);
        }
        tokens += 1;
        expect([answer.status, answer.text, asked.length, status]).toEqual([200, TOKEN, 1, 200]);
        const written = read(bytes);
        expect(written?.loggedin).toBe(true);
        const form = new URLSearchParams(asked[0]?.body);
        expect([form.get("userid"), form.get("accountid")]).toEqual([written?.userid, String(written?.accountid)]);
        if ("userid" in named) expect([form.get("userid"), form.get("accountid")]).toEqual([named.userid, "7"]);
      },
      1.5,
    );
    expect(tokens).toBeGreaterThan(RUNS / 10);
  });
});

describe("attributes", () => {
  it("are read as written, or refused with a reason", async () => {
    const attributes = fc
      .array(fc.tuple(anyText, fc.oneof(anyText, part)), { maxLength: 3 })
      .map((members) => JSON.stringify(Object.fromEntries(members)));
    const bodies = fc.oneof(attributes.map(bytesOf), mutated(attributes, PIECES).map(bytesOf), body);
    await forAll(bodies, (bytes) => {
      const parsed = parseAttributes(bytes);
      if (typeof parsed === "string") return expect(parsed).toMatch(/^answered /);
      expect(Object.fromEntries(parsed)).toEqual(read(bytes));
    });
  });
});

describe("any serverid and userid that a call may have", () => {
  const id = fc
    .oneof(fc.string({ unit: fc.constantFrom(..."./\\?#%&;: aé😀", "..", "%2e", "%2F") }), anyText)
    .filter((text) => !isFault(readValue("userid", text, true)));
  it("is one segment of the path, or refused before anything is sent", async () => {
    await forAll(fc.tuple(id, id), async ([serverid, userid]) => {
      const { createTransport, requests } = fakeProvider(() => response(200, {}));
      const transport = createTransport({ connect_timeout: 1, connections: 1 });
      const settings = { url: "https://ns.example", timeout: 2_000 };
      const { getUserAttributes } = createNextAuthClient(
        settings,
        new Secret("key"),
        "nextauth",
        transport,
        fakeClock(),
      );
      const isSent = await getUserAttributes(serverid, userid).then(
        () => true,
        () => false,
      );
      expect(isSent).toBe(![serverid, userid].some((text) => /^\.\.?$/.test(text)));
      expect(requests).toHaveLength(isSent ? 1 : 0);
      for (const { url } of requests) {
        const { origin, pathname, search, hash } = new URL(url);
        expect([origin, search, hash]).toEqual(["https://ns.example", "", ""]);
        const segments = pathname.split("/").map(decodeURIComponent);
        expect(segments).toEqual(["", "servers", serverid, "users", userid, "attributes", ""]);
      }
    });
  });
});
