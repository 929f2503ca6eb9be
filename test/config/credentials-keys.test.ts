// Keys and certificates are loaded before the first call; faults are reported at their place.

import { describe, expect, it } from "vitest";
import { type CredentialHost, loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { fakeCredentialHost, thrownBy } from "../support/fakes.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";
import { FILE, withProvider, withProviderKeys } from "./file.ts";
import { line } from "./reports.ts";

const CERTIFIED = await makeSelfSigned("certified");
const SECRETS: Record<string, string> = {
  APIKEY: "0123456789abcdef",
  CLIENT_SECRET: "s",
  EC: (await makeKey("ES256")).pem,
  EC2: (await makeKey("ES256")).pem,
  RSA: (await makeKey("PS256")).pem,
  CERT_KEY: CERTIFIED.private_key,
  CERT: CERTIFIED.certificate,
  EMPTY: "",
  NONE: "no key",
};

const load = (text: string, host: Partial<CredentialHost> = {}) =>
  loadCredentials(parseConfig(text, "f.yaml"), fakeCredentialHost(SECRETS, host));

async function faultsOfKeys(text: string, host: Partial<CredentialHost> = {}): Promise<string[]> {
  const error = await thrownBy(() => load(text, host));
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.split("\n");
}

const key = (kid: string, alg: string, name: string, more = "") =>
  `{ kid: ${kid}, alg: ${alg}, private_key: { env: ${name} }${more} }`;
const CLIENT = [
  "issuer: https://idp.example",
  "client_id: x",
  "grant_type: client_credentials",
  "token_endpoint_auth_method: private_key_jwt",
];
/** A provider with client_key, and further keys from line 12. */
const withClientKey = (keys: string, ...more: string[]) => withProvider(...CLIENT, `client_key: ${keys}`, ...more);
const signing = (keys: string[]) =>
  `signing:\n  issuer: https://proxy.example\n  keys:\n${keys.map((one) => `    - ${one}\n`).join("")}`;

describe("usable keys", () => {
  const kids = (keys: readonly { kid: string }[] | undefined) => keys?.map(({ kid }) => kid);
  const SIGNING = signing([
    key("ec", "ES256", "EC"),
    key("old", "ES256", "EC2", ", use: verify"),
    key("rsa", "PS256", "RSA"),
    key("rs", "RS256", "RSA"),
  ]);

  it("sign, or are only published", async () => {
    const { signingKeys, providers } = await load(FILE + SIGNING);
    expect(kids(signingKeys)).toEqual(["ec", "old", "rsa", "rs"]);
    expect(kids(providers.get("main")?.signingKeys)).toEqual(["ec", "rsa", "rs"]);
    expect(providers.get("main")?.signingIssuer).toBe("https://proxy.example");
  });

  it.each<[string, string, string[]]>([
    ["those of the file that sign", withProvider(...CLIENT) + SIGNING, ["ec", "rsa", "rs"]],
    [
      "those of the file that sign by one algorithm",
      withProvider(...CLIENT, "client_assertion: { alg: RS256 }") + SIGNING,
      ["rs"],
    ],
    ["its own, and no other", withClientKey(key("mine", "ES256", "EC2")) + SIGNING, ["mine"]],
    [
      "its own, in their order",
      withClientKey(`[${key("b", "ES256", "EC2")}, ${key("a", "PS256", "RSA")}]`) + SIGNING,
      ["b", "a"],
    ],
    [
      "its own of one algorithm",
      withClientKey(`[${key("b", "ES256", "EC2")}, ${key("a", "PS256", "RSA")}]`, "client_assertion: { alg: PS256 }"),
      ["a"],
    ],
  ])("authenticate the client: %s", async (_, text, expected) => {
    const credentials = (await load(text)).providers.get("main");
    expect(kids(credentials?.clientKeys)).toEqual(expected);
  });
});

describe("an unusable key is reported:", () => {
  const certified = (more: string) => key("k", "ES256", "CERT_KEY", `, certificate: { env: ${more} }`);
  it.each<[string, string, string]>([
    [
      "none",
      withClientKey(key("k", "ES256", "MISSING")),
      '11:52 "providers.main.client_key.private_key" names MISSING, which is not set',
    ],
    [
      "empty",
      withClientKey(key("k", "ES256", "EMPTY")),
      '11:52 "providers.main.client_key.private_key" refers to an empty secret; give it a value',
    ],
    ["no key", withClientKey(key("k", "ES256", "NONE")), '11:52 "providers.main.client_key.private_key" …'],
    [
      "one of a list",
      withClientKey(`[${key("a", "ES256", "EC")}, ${key("k", "ES256", "RSA")}]`),
      '11:103 "providers.main.client_key[1].private_key" …',
    ],
    [
      "one that signs",
      FILE + signing([key("a", "ES256", "EC"), key("k", "PS256", "EC2")]),
      '15:42 "signing.keys[1].private_key" …',
    ],
    [
      "one whose certificate is not there",
      withClientKey(certified("MISSING")),
      '11:84 "providers.main.client_key.certificate" names MISSING, which is not set',
    ],
    [
      "one whose certificate is none",
      withClientKey(certified("NONE")),
      '11:84 "providers.main.client_key.certificate" …',
    ],
  ])("%s", async (_, text, fault) => {
    expect(await faultsOfKeys(text)).toEqual([line(fault)]);
  });

  it("one with a certificate that the host rejects", async () => {
    const asked: string[] = [];
    const certificateFault = (pem: string) => {
      asked.push(pem);
      return "has a certificate that expired";
    };
    expect(await faultsOfKeys(withClientKey(certified("CERT")), { certificateFault })).toEqual([
      'f.yaml:11:84 "providers.main.client_key.certificate" has a certificate that expired',
    ]);
    expect(asked).toEqual([SECRETS.CERT]);
  });
});

describe("TLS credentials", () => {
  const TLS = withProviderKeys(
    "tls:",
    "  certificate: { env: CERT }",
    "  private_key: { env: CERT_KEY }",
    "  ca: { env: CA }",
  );

  it("are loaded and checked by the host", async () => {
    const asked: unknown[] = [];
    const tlsFault: CredentialHost["tlsFault"] = ({ certificate, private_key, ca, binding }) => {
      asked.push([certificate?.reveal(), private_key?.reveal(), ca?.reveal(), binding]);
      return undefined;
    };
    const { providers } = await load(TLS.replace("env: CA ", "env: CERT "), { tlsFault });
    expect(asked).toEqual([[SECRETS.CERT, SECRETS.CERT_KEY, SECRETS.CERT, undefined]]);
    expect(providers.get("main")?.tls?.private_key?.reveal()).toBe(SECRETS.CERT_KEY);
    expect((await load(withProviderKeys("tls: { binding: MTLS }"))).providers.get("main")?.tls).toEqual({
      binding: "MTLS",
    });
    expect((await load(FILE)).providers.get("main")?.tls).toBeUndefined();
  });

  it("that the host rejects are reported at their place", async () => {
    expect(
      await faultsOfKeys(withProviderKeys("tls: { ca: { env: CERT } }"), { tlsFault: () => "has a fault" }),
    ).toEqual(['f.yaml:11:10 "providers.main.tls" has a fault']);
  });

  it("with a certificate that the host rejects are reported at the certificate", async () => {
    const text = TLS.replace("env: CA ", "env: CERT ");
    expect(await faultsOfKeys(text, { certificateFault: () => "is out of date" })).toEqual([
      'f.yaml:12:20 "providers.main.tls.certificate" is out of date',
    ]);
  });

  it("that are missing are each reported", async () => {
    expect(await faultsOfKeys(TLS.replaceAll(/CERT(?:_KEY)? /g, "MISSING "))).toEqual([
      'f.yaml:12:20 "providers.main.tls.certificate" names MISSING, which is not set',
      'f.yaml:13:20 "providers.main.tls.private_key" names MISSING, which is not set',
      'f.yaml:14:11 "providers.main.tls.ca" names CA, which is not set',
    ]);
  });
});

it("no fault repeats a part of a key", async () => {
  const canary = "Zq7xWv4kPj";
  for (const text of [canary, `{"d":"${canary}"`, `-----BEGIN ${canary}`, SECRETS.EC?.replace("MIG", canary) ?? ""]) {
    const read = fakeCredentialHost({ ...SECRETS, EC: text, CERT: text }).read;
    for (const file of [
      withClientKey(key("k", "ES256", "EC")),
      withClientKey(key("k", "ES256", "CERT_KEY", ", certificate: { env: CERT }")),
    ]) {
      expect((await faultsOfKeys(file, { read })).join()).not.toContain(canary);
    }
  }
});
