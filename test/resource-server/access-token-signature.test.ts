// Only a token that the issuer has signed lets a request pass, and only by an algorithm that is expected.

import { base64url, exportSPKI, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccessTokenOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, INVALID } from "./fake-fetch.ts";
import { CLAIMS, fakeIssuer, issuerKey, resourceServer, sign } from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
const stranger = await issuerKey("2026-11");
const rsaKey = await issuerKey("rsa", "RS256");
const issuer = fakeIssuer(key, rsaKey);

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterAll(() => {
  vi.useRealTimers();
});
beforeEach(() => {
  issuer.jwks.requests.length = 0;
});

const ask = (token: string, options: Partial<AccessTokenOptions> = {}) =>
  resourceServer(issuer, options)(`Bearer ${token}`);

describe("a token", () => {
  it("passes with any of the algorithms that are allowed", async () => {
    for (const signer of [key, rsaKey]) expect((await ask(await sign(signer))).status).toBe(200);
  });

  it("with any one bit of its signature changed is refused", async () => {
    const token = await sign(key);
    const [header, payload, signature] = token.split(".") as [string, string, string];
    for (const [byte, bit] of [
      [0, 0],
      [31, 7],
      [32, 3],
      [63, 0],
    ] as const) {
      const bytes = base64url.decode(signature);
      bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
      await expectRefusal(await ask(`${header}.${payload}.${base64url.encode(bytes)}`), INVALID);
    }
  });

  it("with another payload than was signed is refused", async () => {
    const [header, , signature] = (await sign(key)).split(".");
    const payload = base64url.encode(JSON.stringify({ ...CLAIMS, sub: "mallory" }));
    await expectRefusal(await ask(`${header}.${payload}.${signature}`), INVALID);
  });

  it("signed with another key by the same name is refused", async () => {
    await expectRefusal(await ask(await sign(stranger)), INVALID);
  });

  it("signed with the key that it brings along is refused", async () => {
    await expectRefusal(await ask(await sign(stranger, {}, { jwk: stranger.jwk })), INVALID);
  });

  it("with alg none is refused before any key is fetched", async () => {
    const token = new UnsecuredJWT({ ...CLAIMS }).encode();
    await expectRefusal(await ask(token), INVALID);
    expect(issuer.jwks.requests).toEqual([]);
  });

  it("signed by HS256 with the public key as the secret is refused, be it PEM or JWK", async () => {
    for (const secret of [await exportSPKI(rsaKey.publicKey), JSON.stringify(rsaKey.jwk)]) {
      const token = await new SignJWT({ ...CLAIMS })
        .setProtectedHeader({ alg: "HS256", kid: "rsa" })
        .sign(new TextEncoder().encode(secret));
      await expectRefusal(await ask(token), INVALID);
    }
    expect(issuer.jwks.requests).toEqual([]);
  });

  it("signed by an algorithm that is not expected is refused, although the issuer has such a key", async () => {
    await expectRefusal(await ask(await sign(rsaKey), { algorithms: ["ES256"] }), INVALID);
  });

  it("with an extension that must be understood, and is not, is refused", async () => {
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: "ES256", kid: "2026-11", crit: ["cnf-check"], "cnf-check": true })
      .sign(key.privateKey, { crit: { "cnf-check": true } });
    await expectRefusal(await ask(token), INVALID);
  });
});
