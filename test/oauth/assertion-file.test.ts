// A client assertion from a file: read for each use, and sent only if it is for this provider.

import { describe, expect, it } from "vitest";
import { createAssertionFile } from "../../src/oauth/assertion-file.ts";
import { NOW, thrownBy, unsignedJwt } from "../support/fakes.ts";

const AUD = "https://idp.example";
const SECONDS = NOW / 1_000;
const KEY = "providers.main.client_assertion.file";

const part = (members: unknown) => Buffer.from(JSON.stringify(members)).toString("base64url");
const signed = (changes: object = {}) => unsignedJwt({ aud: [AUD], exp: SECONDS + 60, ...changes });

/** @param texts what each read of the file finds; the last one stays */
function fileOf(...texts: (string | Error)[]) {
  let reads = 0;
  const readText = async () => {
    const text = texts[Math.min(reads++, texts.length - 1)] as string | Error;
    if (text instanceof Error) throw text;
    return text;
  };
  return { file: createAssertionFile(readText, AUD, KEY), reads: () => reads };
}

describe("is sent as it is", () => {
  it.each([
    ["a list with the only audience, as Kubernetes writes it", signed()],
    ["the audience as a text", signed({ aud: AUD })],
    ["claims that are objects", signed({ "kubernetes.io": { pod: { name: "p" } } })],
    ["an exp with a fraction", signed({ exp: SECONDS + 0.5 })],
    ["nearly 16 KiB", signed({ padding: "x".repeat(12_000) })],
  ])("with %s", async (_what, text) => {
    expect(await fileOf(text).file.read(NOW)).toBe(text);
  });
});

describe("is never sent", () => {
  const NO_JWT = "names a file that is not a JWT of less than 16 KiB";
  const OTHER_AUDIENCE = "names a JWT whose only audience is not the configured aud, so it is not for this provider";
  const EXPIRED = "names a JWT that has expired: the platform has to replace it in time";
  const NO_EXP = "names a JWT without a proper exp";
  it.each([
    ["an empty file", "", NO_JWT],
    ["half a JWT", signed().slice(0, 30), NO_JWT],
    ["a JWT without a signature", `${part({ alg: "none" })}.${part({ aud: AUD, exp: SECONDS + 60 })}.`, NO_JWT],
    ["a JWT with a line break in it", signed().replace(".", "\n."), NO_JWT],
    ["an opaque token", "opaque.token.text", NO_JWT],
    ["a header that is no object", unsignedJwt({ aud: AUD, exp: SECONDS + 60 }, "x"), NO_JWT],
    ["an encrypted JWT", `${signed()}.a.b`, NO_JWT],
    ["16 KiB", `${signed()}${"x".repeat(16_384 - signed().length)}`, NO_JWT],
    ["a pod's default token", signed({ aud: ["https://kubernetes.default.svc"] }), OTHER_AUDIENCE],
    ["two audiences", signed({ aud: [AUD, "https://kubernetes.default.svc"] }), OTHER_AUDIENCE],
    ["the audience twice", signed({ aud: [AUD, AUD] }), OTHER_AUDIENCE],
    ["an audience with a slash more", signed({ aud: `${AUD}/` }), OTHER_AUDIENCE],
    ["no audience", signed({ aud: undefined }), OTHER_AUDIENCE],
    ["an audience that is no text", signed({ aud: { toString: 1 } }), OTHER_AUDIENCE],
    ["an empty list of audiences", signed({ aud: [] }), OTHER_AUDIENCE],
    ["an exp that is now", signed({ exp: SECONDS }), EXPIRED],
    ["no exp", signed({ exp: undefined }), NO_EXP],
    ["an exp that is no time", signed({ exp: 1e300 }), NO_EXP],
  ])("%s", async (_what, text, problem) => {
    const { file } = fileOf(text);
    const error = await thrownBy(() => file.read(NOW));
    expect(error).toMatchObject({ code: "client_assertion_unusable", message: `"${KEY}" ${problem}` });
    for (const piece of text.split(".").filter(({ length }) => length > 8)) {
      expect(JSON.stringify(error)).not.toContain(piece);
    }
    expect(file.describe()).toBe(`"${KEY}" ${problem}`);
  });

  it("what cannot be read; the log says why, and the response does not", async () => {
    const { file } = fileOf(new Error("names a file that cannot be read (ENOENT): /run/token"));
    expect(await thrownBy(() => file.read(NOW))).toMatchObject({
      code: "client_assertion_unusable",
      message: `"${KEY}" names a file that cannot be read`,
      detail: { problem: "names a file that cannot be read (ENOENT): /run/token" },
    });
  });

  it("after its end, which the log shows", async () => {
    const detail = { expired_at: "2026-11-23T12:01:00.000Z" };
    expect(await thrownBy(() => fileOf(signed()).file.read(NOW + 60_000))).toMatchObject({ detail });
  });
});

describe("the file", () => {
  it("is read for each use", async () => {
    const texts = [signed({ jti: "1" }), signed({ jti: "2" }), signed({ jti: "3" })];
    const { file } = fileOf(...texts);
    for (const text of texts) expect(await file.read(NOW)).toBe(text);
  });

  it("is read again if it was just replaced, as Kubernetes does", async () => {
    expect(await fileOf(new Error("names a file that cannot be read (ENOENT)"), signed()).file.read(NOW)).toBe(
      signed(),
    );
  });

  it("is read once for calls that come meanwhile, so that a mount that hangs holds one thread", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let reads = 0;
    const readText = () => {
      reads += 1;
      return promise;
    };
    const file = createAssertionFile(readText, AUD, KEY);
    const uses = [file.read(NOW), file.read(NOW), file.read(NOW)];
    expect(reads).toBe(1);
    resolve(signed());
    expect(await Promise.all(uses)).toEqual([signed(), signed(), signed()]);
    await file.read(NOW);
    expect(reads).toBe(2);
  });

  it("has a state that shows its expiry and its problem, as at the last read", async () => {
    const gone = new Error("gone");
    const { file } = fileOf(signed(), gone, gone, signed({ exp: SECONDS + 120 }));
    await file.read(NOW);
    expect([file.state(), file.describe()]).toEqual([{ expires_at: NOW + 60_000 }, "expires 2026-11-23T12:01:00.000Z"]);
    await thrownBy(() => file.read(NOW));
    const problem = `"${KEY}" names a file that cannot be read`;
    expect([file.state(), file.describe()]).toEqual([{ expires_at: NOW + 60_000, problem }, problem]);
    await file.read(NOW);
    expect(file.state()).toEqual({ expires_at: NOW + 120_000 });
  });
});
