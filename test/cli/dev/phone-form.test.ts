// The form as text: what it keeps, how it shows faults, and that no value breaks out of its place.

import fc from "fast-check";
import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createStandIn } from "../../../src/cli/dev/nextauth-server.ts";
import { phoneForm } from "../../../src/cli/dev/phone.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { listen } from "../../../src/node/inbound/listener.ts";
import { forAll } from "../../fuzz/fuzz.ts";
import { fileConfig } from "../../support/config.ts";

const { config } = parseConfig(JSON.stringify(fileConfig("http://127.0.0.1:1/token")), "test");
const GET_TOKEN = "getToken: POST /getToken";

/** Sends the form to a proxy that answers with `body`. */
async function shown(form: Record<string, string>, body: string | Uint8Array = "{}", contentType = "application/json") {
  const answer = () => new Response(body as string, { headers: { "Content-Type": contentType } });
  const proxy = await listen(answer, { host: "127.0.0.1", port: 0 }, "the proxy");
  const stage = { config, standIn: createStandIn("key"), url: proxy.url, apikey: "key" };
  const html = await phoneForm(stage, new URLSearchParams({ endpoint: GET_TOKEN, ...form }));
  await proxy.close(0);
  return String(html);
}

describe("the form", () => {
  it("keeps what was sent, and says why no call was made", async () => {
    const text = await shown({ session: "expired", "value:userid": "<bob>", "value:accountid": "seven" });
    expect(text).toContain('name="value:userid" value="&lt;bob&gt;"');
    expect(text).toContain("<option selected>expired</option>");
    expect(text).toContain('role="alert">No call was made: &quot;accountid&quot; must be an integer.');
  });

  it("says which path does not check the session, and what to write", async () => {
    expect(await shown({})).toContain(
      "/getToken has session: trust, so the session is not checked there:\nwrite nextauth",
    );
    const nextauth = { url: "http://127.0.0.1:1", apikey: { env: "N" }, serverid: "a" };
    const verified = fileConfig("http://127.0.0.1:1/token", { file: { nextauth, get_token: { session: "verify" } } });
    const stage = {
      config: parseConfig(JSON.stringify(verified), "test").config,
      standIn: createStandIn("k"),
      url: "",
      apikey: "",
    };
    expect(String(await phoneForm(stage))).not.toContain("trust");
  });

  it("says that the proxy sent no response", async () => {
    const stage = { config, standIn: createStandIn("key"), url: "http://127.0.0.1:1", apikey: "key" };
    const form = new URLSearchParams({ endpoint: GET_TOKEN, "value:userid": "bob" });
    expect(String(await phoneForm(stage, form))).toContain("The proxy sent no response (TransportError).");
  });
});

describe("the answer", () => {
  const jwt = new UnsecuredJWT({ scope: "openid" }).setSubject("alice").encode();
  const bob = { "value:userid": "bob" };

  it("is shown byte for byte, with its JWTs decoded and marked as not verified", async () => {
    const body = `\n{ "access_token" : "${jwt}",\r\n "id_token":"opaque", "who":"Zoë" }\n`;
    const text = await shown(bob, body);
    expect(text).toContain(`${Buffer.byteLength(body)} bytes of application/json`);
    expect(text).toContain(`${jwt}&quot;,&#13;\n &quot;id_token&quot;:&quot;opaque&quot;, &quot;who&quot;:&quot;Zoë`);
    expect(text).toContain("The access_token, decoded; its signature is not verified");
    expect(text).toContain("&quot;sub&quot;: &quot;alice&quot;");
    expect(text).not.toContain("The id_token");
  });

  it.each(["", "null", "[1]", "not JSON", '"text"', '{"access_token":7}', "{"])("may be anything: %j", async (body) => {
    expect(await shown(bob, body)).not.toContain("decoded");
  });

  it("shows a byte order mark and broken UTF-8", async () => {
    expect(await shown(bob, Uint8Array.of(0xef, 0xbb, 0xbf, 0xff))).toContain("\ufeff\ufffd");
  });

  it("changes neither the tags nor the attributes of the page", async () => {
    const hostile = fc
      .array(fc.constantFrom("<", ">", '"', "'", "&", "</pre>", "<script>", '" onload="', "&lt;", "\r", "x"), {
        minLength: 1,
        maxLength: 8,
      })
      .map((parts) => parts.join(""));
    const skeleton = (page: string) => page.match(/<[^>]*>/g)?.map((tag) => tag.replaceAll(/"[^"]*"/g, '""'));
    const pageOf = (text: string) => {
      const token = new UnsecuredJWT({ [text]: text }).encode();
      const sent = { ...bob, "value:serverid": text.replaceAll("\r", "") || "x" };
      return shown(sent, JSON.stringify({ access_token: token, text }));
    };
    const expected = skeleton(await pageOf("x"));
    expect(expected?.length).toBeGreaterThan(30);
    await forAll(hostile, async (text) => expect(skeleton(await pageOf(text))).toEqual(expected), 0.2);
  });
});
