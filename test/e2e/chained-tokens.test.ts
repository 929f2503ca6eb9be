// One provider's token in another's request: the examples as printed, between real authorization
// servers, and JSON parameters with one that checks them (RFC 9396).

import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Answered, APIKEY, CALL, callGetToken } from "../support/call.ts";
import { readExample } from "../support/examples.ts";
import { expectError } from "../support/expect-error.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import { type AuthorizationServer, SPECIAL, startAuthorizationServer, USER_GRANT } from "../support/oidc-provider.ts";
import { freePort } from "../support/port.ts";

let home: AuthorizationServer;
let partner: AuthorizationServer;
let proxyUrl: string;
let secrets: Record<string, string>;
let host: Host | undefined;

beforeAll(async () => {
  proxyUrl = `http://127.0.0.1:${await freePort()}`;
  home = await startAuthorizationServer({ trusted: proxyUrl, kid: "home" });
  partner = await startAuthorizationServer({ trusted: home.issuer, kid: "partner" });
  const { client_secret } = SPECIAL;
  secrets = { GETTOKEN_APIKEY: APIKEY, HOME_CLIENT_SECRET: client_secret, PARTNER_CLIENT_SECRET: client_secret };
  secrets.SIGNING_KEY = (await makeKey("ES256")).pem;
});
afterAll(async () => {
  await host?.close();
  await partner?.close();
  await home?.close();
});

/** @param change of the file */
async function start(example: string, change = (_file: { providers: Record<string, object> }) => {}): Promise<void> {
  await host?.close();
  const text = readExample(example)
    .replaceAll("https://home.bank.example", home.issuer)
    .replaceAll("https://sso.partner.example", partner.issuer)
    .replaceAll("https://tokens.bank.example", proxyUrl)
    .replaceAll("client_id: token-proxy", `client_id: ${JSON.stringify(SPECIAL.client_id)}`)
    .replaceAll("{ file: /run/secrets/2026-11.pem }", "{ env: SIGNING_KEY }");
  const file = parse(text);
  change(file);
  host = await startHost(file, secrets, { port: Number(new URL(proxyUrl).port) });
}

const getToken = (userid: string): Promise<Answered> => callGetToken((host as Host).url, { body: { ...CALL, userid } });
const claims = (answer: Answered) => decodeJwt(String(answer.json().access_token));

describe.each(["identity-chaining.yaml", "id-jag.yaml"])("%s, across two authorization servers", (example) => {
  beforeAll(() => start(example));

  it("gives each of many users their own token of the second server, byte for byte", async () => {
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    const answers = await Promise.all(users.map(getToken));
    const sent = partner.sent.map(String);
    for (const [index, answer] of answers.entries()) {
      expect(`${answer.status} ${answer.text}`).toMatch(/^200 /);
      expect(claims(answer)).toMatchObject({ sub: users[index], iss: partner.issuer });
      expect(sent).toContain(answer.text);
    }
    expect(new Set(answers.map(({ text }) => text)).size).toBe(users.length);
  });

  it("relays a refusal of the second server, and of the first one", async () => {
    home.sent.length = 0;
    // Both refuse this user: the partner is not asked.
    const refused = await getToken("mallory");
    const last = (example === "id-jag.yaml" ? home : partner).sent.at(-1);
    expect([refused.status, refused.text]).toEqual([400, String(last)]);
    expect(refused.json()).toMatchObject({ error: "invalid_grant" });
  });
});

describe("authorization_details as JSON", () => {
  /** One provider without a chain, which is asked for this right. */
  const startWith = (action: string) =>
    start("identity-chaining.yaml", (file) => {
      file.providers = {
        partner: {
          ...{ issuer: home.issuer, client_id: SPECIAL.client_id, client_secret: { env: "HOME_CLIENT_SECRET" } },
          ...{ grant_type: USER_GRANT, scope: "accounts" },
          params: {
            userid: "{{userid}}",
            authorization_details: { json: [{ type: "accounts", owner: "{{userid}}", actions: [action] }] },
          },
        },
      };
    });
  beforeAll(() => startWith("read"));

  it.each([
    "alice",
    'a","actions":["read","write"],"x":"',
    '"}],{"type":"accounts',
    "back\\slash \\u0022 and 'quotes'",
    "ünï &=+%22 \u{1f600} {{nonce}}",
  ])("has the user %s as one text, and nothing else", async (userid) => {
    const answer = await getToken(userid);
    expect(`${answer.status} ${answer.text}`).toMatch(/^200 /);
    const details = [{ type: "accounts", owner: userid, actions: ["read"] }];
    expect(answer.json().authorization_details).toEqual(details);
    expect(claims(answer).authorization_details).toEqual(details);
  });

  it("is rejected by this server if there is more in it", async () => {
    await startWith("write");
    expectError(await getToken("alice"), "provider_rejected_proxy");
  });
});
