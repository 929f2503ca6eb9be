// Secrets are loaded before the first call; all faults are reported at once, and no secret is repeated.

import { describe, expect, it } from "vitest";
import { type CredentialHost, loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { fakeCredentialHost, thrownBy } from "../support/fakes.ts";
import { FILE, replacing, withKeys, withProviderKeys } from "./file.ts";

const APIKEY = "0123456789abcdef";
const GOOD = { APIKEY, CLIENT_SECRET: "s" };

const load = (text: string, secrets: Record<string, string>, host: Partial<CredentialHost> = {}) =>
  loadCredentials(parseConfig(text, "f.yaml"), fakeCredentialHost(secrets, host));

async function faultsOfSecrets(text: string, secrets: Record<string, string>): Promise<string[]> {
  const error = await thrownBy(() => load(text, secrets));
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.split("\n");
}

const secretsOf = async (...given: Parameters<typeof load>) =>
  (await load(...given)).providers.get("main")?.secrets.map((secret) => secret.reveal());

describe("usable secrets", () => {
  it("are loaded by their references", async () => {
    const text = replacing("[{ env: APIKEY }]", "[{ env: APIKEY }, { file: APIKEY }]\n    serverids: [a]");
    const { callers, providers, signingKeys } = await load(text, { ...GOOD, "file:APIKEY": "fedcba9876543210" });
    const caller = callers.get("nextauth-server");
    expect(caller?.apikeys.map((apikey) => apikey.reveal())).toEqual([APIKEY, "fedcba9876543210"]);
    expect(caller?.serverids).toEqual(["a"]);
    expect([...callers.keys(), ...providers.keys()]).toEqual(["nextauth-server", "main"]);
    expect(providers.get("main")?.secrets.map((secret) => secret.reveal())).toEqual(["s"]);
    expect(signingKeys).toEqual([]);
  });

  it("can be read asynchronously", async () => {
    const { read } = fakeCredentialHost(GOOD);
    expect(await secretsOf(FILE, {}, { read: async (reference) => read(reference) })).toEqual(["s"]);
  });

  it.each(["s", "% + : & é", "日本語", "x".repeat(65_536)])("can be any text for a client: %.20s", async (secret) => {
    expect(await secretsOf(FILE, { ...GOOD, CLIENT_SECRET: secret })).toEqual([secret]);
  });

  it("can be several for one client, in order", async () => {
    const text = replacing("{ env: CLIENT_SECRET }", "[{ env: CLIENT_SECRET }, { file: b }, { env: C }]");
    expect(await secretsOf(text, { ...GOOD, "file:b": "b", C: "c" })).toEqual(["s", "b", "c"]);
  });

  it("can occur twice among one caller's keys", async () => {
    const text = replacing("{ env: APIKEY }", "{ env: APIKEY }, { env: APIKEY_NEXT }");
    await expect(load(text, { ...GOOD, APIKEY_NEXT: APIKEY })).resolves.toBeDefined();
  });

  it("can be in params and headers", async () => {
    const text = withProviderKeys("params: { a: { env: A }, b: x, c: [y] }", "headers: { X-Key: { file: k } }");
    const placed = (await load(text, { ...GOOD, A: "{{a}} é", "file:k": "b c" })).providers.get("main")?.placed;
    expect([...(placed ?? [])].map(([place, secret]) => [place, secret.reveal()])).toEqual([
      ["params.a", "{{a}} é"],
      ["headers.X-Key", "b c"],
    ]);
  });
});

describe("unusable secrets", () => {
  it.each<[string, Record<string, string>, string]>([
    [
      "a missing API key",
      { CLIENT_SECRET: "s" },
      '4:15 "callers.nextauth-server.apikeys[0]" names APIKEY, which is not set',
    ],
    [
      "an empty API key",
      { ...GOOD, APIKEY: "" },
      '4:15 "callers.nextauth-server.apikeys[0]" refers to an empty secret; give it a value',
    ],
    [
      "a short API key",
      { ...GOOD, APIKEY: APIKEY.slice(1) },
      '4:15 "callers.nextauth-server.apikeys[0]" refers to a key of fewer than 16 characters; create one with "openssl rand -hex 32"',
    ],
    [
      "an API key with a space",
      { ...GOOD, APIKEY: "0123456789 abcdef" },
      '4:15 "callers.nextauth-server.apikeys[0]" refers to an API key with a space or a non-ASCII character; create one with "openssl rand -hex 32"',
    ],
    [
      "an API key that is not ASCII",
      { ...GOOD, APIKEY: "0123456789abcdéf" },
      '4:15 "callers.nextauth-server.apikeys[0]" refers to an API key with a space or a non-ASCII character; create one with "openssl rand -hex 32"',
    ],
    [
      "an API key with a line break",
      { ...GOOD, APIKEY: `${APIKEY}\n` },
      '4:15 "callers.nextauth-server.apikeys[0]" refers to a secret with a line break or control character; remove it',
    ],
    [
      "a missing client secret",
      { APIKEY },
      '9:20 "providers.main.client_secret" names CLIENT_SECRET, which is not set',
    ],
    [
      "an empty client secret",
      { APIKEY, CLIENT_SECRET: "" },
      '9:20 "providers.main.client_secret" refers to an empty secret; give it a value',
    ],
    [
      "a line break in a client secret",
      { APIKEY, CLIENT_SECRET: "s\r\n" },
      '9:20 "providers.main.client_secret" refers to a secret with a line break or control character; remove it',
    ],
    [
      "a tab in a client secret",
      { APIKEY, CLIENT_SECRET: "a\tb" },
      '9:20 "providers.main.client_secret" refers to a secret with a line break or control character; remove it',
    ],
    [
      "a zero byte in a client secret",
      { APIKEY, CLIENT_SECRET: "a\u0000" },
      '9:20 "providers.main.client_secret" refers to a secret with a line break or control character; remove it',
    ],
    [
      "a DEL in a client secret",
      { APIKEY, CLIENT_SECRET: "a\u007f" },
      '9:20 "providers.main.client_secret" refers to a secret with a line break or control character; remove it',
    ],
    [
      "a client secret of only spaces",
      { APIKEY, CLIENT_SECRET: "  " },
      '9:20 "providers.main.client_secret" refers to an empty secret; give it a value',
    ],
  ])("are reported at their place: %s", async (_, secrets, fault) => {
    expect(await faultsOfSecrets(FILE, secrets)).toEqual([`f.yaml:${fault}`]);
  });

  it("are reported at their place in a list", async () => {
    const text = replacing("{ env: CLIENT_SECRET }", "[{ env: CLIENT_SECRET }, { env: NEXT }]");
    expect(await faultsOfSecrets(text, { APIKEY })).toEqual([
      'f.yaml:9:21 "providers.main.client_secret[0]" names CLIENT_SECRET, which is not set',
      'f.yaml:9:45 "providers.main.client_secret[1]" names NEXT, which is not set',
    ]);
  });

  it("are reported in params and headers", async () => {
    const text = withProviderKeys("params: { a: { env: A } }", "headers: { X-A: { env: B }, X-B: { env: C } }");
    expect(await faultsOfSecrets(text, { ...GOOD, A: "a\nb", B: "é", C: " a" })).toEqual([
      'f.yaml:11:18 "providers.main.params.a" refers to a secret with a line break or control character; remove it',
      'f.yaml:12:21 "providers.main.headers.X-A" refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends',
      'f.yaml:12:38 "providers.main.headers.X-B" refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends',
    ]);
  });

  const TWO = withKeys()
    .replace("providers:", "  other:\n    apikeys: [{ env: NEXT }, { env: OTHER }]\nproviders:")
    .concat("    # end\n");

  it("are all reported at once, in the order of the file", async () => {
    expect(await faultsOfSecrets(TWO, { APIKEY: "short", NEXT: "" })).toEqual([
      expect.stringMatching(/^f\.yaml:4:15 "callers\.nextauth-server\.apikeys\[0\]" .*fewer than 16/),
      expect.stringMatching(/^f\.yaml:6:15 "callers\.other\.apikeys\[0\]" refers to an empty secret; give it a value/),
      expect.stringMatching(/^f\.yaml:6:30 "callers\.other\.apikeys\[1\]" names OTHER, which is not set/),
      expect.stringMatching(/^f\.yaml:11:20 "providers\.main\.client_secret" names CLIENT_SECRET, which is not set/),
    ]);
  });

  it("include a key shared by two callers", async () => {
    expect(await faultsOfSecrets(TWO, { ...GOOD, NEXT: "fedcba9876543210", OTHER: APIKEY })).toEqual([
      'f.yaml:6:30 "callers.other.apikeys[1]" is also a key of "callers.nextauth-server"; each caller needs different keys',
    ]);
  });

  it("are not reported as shared if both are empty", async () => {
    expect(await faultsOfSecrets(TWO, { CLIENT_SECRET: "s", APIKEY: "", NEXT: "", OTHER: "fedcba9876543210" })).toEqual(
      [
        'f.yaml:4:15 "callers.nextauth-server.apikeys[0]" refers to an empty secret; give it a value',
        'f.yaml:6:15 "callers.other.apikeys[0]" refers to an empty secret; give it a value',
      ],
    );
  });

  it("are never repeated", async () => {
    const canary = "Zq7xWv4kPj";
    for (const text of [canary, `${canary}${canary}é`, `${canary} ${canary}`, `${canary}\n`]) {
      const faults = await faultsOfSecrets(TWO, { APIKEY: text, NEXT: text, OTHER: text, CLIENT_SECRET: `${text}\n` });
      expect(faults.length).toBeGreaterThan(2);
      expect(faults.join("\n")).not.toContain(canary);
    }
  });
});

it("an unexpected error is passed on", async () => {
  const cause = new TypeError("a bug");
  const read = () => {
    throw cause;
  };
  expect(await thrownBy(() => load(FILE, {}, { read }))).toBe(cause);
});
