// Without keys to judge it by no token passes, and none is called bad.

import { generateKeyPairSync } from "node:crypto";
import { base64url } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, type FakeFetch, hang, hangInBody, NONSENSE, UNAVAILABLE } from "./fake-fetch.ts";
import { type FakeIssuer, fakeIssuer, issuerKey, resourceServer, sign } from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
let issuer: FakeIssuer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  issuer = fakeIssuer(key);
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = async (token: string | Promise<string>) => resourceServer(issuer)(`Bearer ${await token}`);

describe("a JWKS", () => {
  it.each<[string, FakeFetch["answer"]]>([
    ...NONSENSE,
    ["the keys, but status 404", () => Response.json({ keys: [key.jwk] }, { status: 404 })],
    ["no keys", () => Response.json({})],
    ["a key that is damaged", () => Response.json({ keys: [{ ...key.jwk, x: "AA" }] })],
  ])("that is answered with %s lets no token pass, and blames none", async (_, answer) => {
    issuer.jwks.answer = answer;
    const response = await ask(sign(key));
    expect(response.headers.get("x-reason")).toMatch(
      /^the JWKS was answered with status \d+$|^the keys of the issuer cannot be had$/,
    );
    await expectRefusal(response, UNAVAILABLE);
  });

  it("with an RSA key that is too short lets no token pass", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    issuer.jwks.answer = () => Response.json({ keys: [publicKey.export({ format: "jwk" })] });
    const [, payload] = (await sign(key)).split(".");
    const header = base64url.encode(JSON.stringify({ alg: "RS256" }));
    const response = await ask(`${header}.${payload}.${base64url.encode(new Uint8Array(128))}`);
    expect(response.headers.get("x-reason")).toBe("a key of the issuer is of no use");
    await expectRefusal(response, UNAVAILABLE);
  });

  it.each([
    ["never begins", hang],
    ["never ends", hangInBody],
  ])("whose answer %s is waited for five seconds", async (_, answer) => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
    issuer.jwks.answer = answer;
    const pending = ask(sign(key));
    await vi.waitFor(() => expect(issuer.jwks.requests).toHaveLength(1));
    await vi.advanceTimersByTimeAsync(5_000);
    await expectRefusal(await pending, UNAVAILABLE);
  });
});
