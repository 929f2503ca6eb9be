// Credentials of the listener, the nextAuth Servers, callers and rate limits; the host checks them.

import { describe, expect, it } from "vitest";
import { type CredentialHost, loadCredentials } from "../../src/config/credentials.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { fakeCredentialHost, thrownBy } from "../support/fakes.ts";
import { replacing, withKeys } from "./file.ts";

const GOOD = { APIKEY: "0123456789abcdef", CLIENT_SECRET: "s", N: "nextauth-key", C: "cert", K: "key", A: "authority" };

const load = (text: string, secrets: Record<string, string> = GOOD, host: Partial<CredentialHost> = {}) =>
  loadCredentials(parseConfig(text, "f.yaml"), fakeCredentialHost(secrets, host));

async function faultsOf(...given: Parameters<typeof load>): Promise<string[]> {
  const error = await thrownBy(() => load(...given));
  expect(error).toBeInstanceOf(ConfigError);
  return (error as ConfigError).message.split("\n");
}

const lacking = (...names: string[]) =>
  Object.fromEntries(Object.entries(GOOD).filter(([name]) => !names.includes(name)));

describe("the listener's certificate", () => {
  const TLS = withKeys("server: { tls: { certificate: { env: C }, private_key: { env: K }, client_ca: { env: A } } }");
  const WITHOUT_CA = withKeys("server: { tls: { certificate: { env: C }, private_key: { env: K } } }");

  it("is loaded with its key and the optional client_ca", async () => {
    const { serverTls } = await load(TLS);
    expect(
      [serverTls?.certificate, serverTls?.private_key, serverTls?.client_ca].map((part) => part?.reveal()),
    ).toEqual(["cert", "key", "authority"]);
    expect((await load(WITHOUT_CA)).serverTls?.client_ca).toBeUndefined();
    expect((await load(withKeys())).serverTls).toBeUndefined();
  });

  it("is checked like other TLS credentials", async () => {
    const judged: unknown[] = [];
    const host: Partial<CredentialHost> = {
      tlsFault: (credentials) => {
        judged.push(credentials);
        return undefined;
      },
    };
    const { serverTls } = await load(TLS, GOOD, host);
    expect(judged).toEqual([
      {
        certificate: serverTls?.certificate,
        private_key: serverTls?.private_key,
        ca: serverTls?.client_ca,
        binding: undefined,
      },
    ]);
  });

  it("is reported if missing, unusable or expired", async () => {
    expect(await faultsOf(TLS, lacking("C", "K", "A"))).toEqual([
      'f.yaml:11:31 "server.tls.certificate" names C, which is not set',
      'f.yaml:11:56 "server.tls.private_key" names K, which is not set',
      'f.yaml:11:79 "server.tls.client_ca" names A, which is not set',
    ]);
    expect(await faultsOf(TLS, { ...GOOD, K: " " })).toEqual([
      'f.yaml:11:56 "server.tls.private_key" refers to an empty secret; give it a value',
    ]);
    expect(await faultsOf(TLS, GOOD, { tlsFault: () => "does not fit" })).toEqual([
      'f.yaml:11:16 "server.tls" does not fit',
    ]);
    expect(await faultsOf(TLS, GOOD, { certificateFault: () => "is a certificate that expired" })).toEqual([
      'f.yaml:11:31 "server.tls.certificate" is a certificate that expired',
    ]);
  });

  it("is not read on a host without a listener", async () => {
    const { serverTls } = await load(TLS, lacking("C", "K", "A"), { listens: false, tlsFault: () => "does not fit" });
    expect(serverTls).toBeUndefined();
  });
});

describe("a nextAuth Server", () => {
  const ONE = withKeys("nextauth: { url: https://ns.example, apikey: { env: N } }");
  const TWO = withKeys(
    "nextauth:",
    "  - { url: https://ns0.example, apikey: { env: N }, serverids: [a] }",
    "  - { url: https://ns1.example, apikey: { file: n }, tls: { ca: { env: A } } }",
  );

  it("has its key and optional TLS credentials, in the order of the file", async () => {
    const { nextauth } = await load(TWO, { ...GOOD, "file:n": "second key" });
    expect(nextauth.map(({ apikey, tls }) => [apikey.reveal(), tls?.ca?.reveal()])).toEqual([
      ["nextauth-key", undefined],
      ["second key", "authority"],
    ]);
    expect((await load(withKeys())).nextauth).toEqual([]);
  });

  it.each(["x", "a b", "!~", "k".repeat(4_096)])("can have any key that a header can carry: %.20s", async (N) => {
    expect((await load(ONE, { ...GOOD, N })).nextauth[0]?.apikey.reveal()).toBe(N);
  });

  it.each([
    ["missing", undefined, "names N, which is not set"],
    ["empty", "", "refers to an empty secret; give it a value"],
    [
      "with a line break",
      "key\n",
      "refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends",
    ],
    [
      "with a space at its end",
      "key ",
      "refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends",
    ],
    [
      "that is not ASCII",
      "kéy",
      "refers to a secret that no header can carry; use visible ASCII, without spaces or line breaks at its ends",
    ],
  ])("must not have a key that is %s", async (_, N, message) => {
    const secrets = N === undefined ? lacking("N") : { ...GOOD, N };
    expect(await faultsOf(ONE, secrets)).toEqual([`f.yaml:11:46 "nextauth.apikey" ${message}`]);
  });

  it("is reported at its place in a list, with every other fault", async () => {
    expect(await faultsOf(TWO, lacking("N", "A", "CLIENT_SECRET"))).toEqual([
      'f.yaml:9:20 "providers.main.client_secret" names CLIENT_SECRET, which is not set',
      'f.yaml:12:41 "nextauth[0].apikey" names N, which is not set',
      'f.yaml:13:41 "nextauth[1].apikey" names file:n, which is not set',
      'f.yaml:13:65 "nextauth[1].tls.ca" names A, which is not set',
    ]);
  });
});

/** Callers, one per line from line 3. */
const callers = (...lines: string[]) =>
  replacing("  nextauth-server:\n    apikeys: [{ env: APIKEY }]", lines.map((line) => `  ${line}`).join("\n"));

describe("a caller's certificate", () => {
  const PIN = `{ sha256: ${"a".repeat(64)} }`;
  const NAME = "{ san_dns: ns.example }";

  it("is part of the credentials", async () => {
    const text = callers(`a: { client_certificates: [${PIN}, ${NAME}], serverids: [s] }`);
    expect((await load(text)).callers.get("a")).toEqual({
      apikeys: [],
      client_certificates: [{ sha256: "a".repeat(64) }, { san_dns: "ns.example" }],
      serverids: ["s"],
    });
  });

  it("is reported if the host cannot check it", async () => {
    const asked: unknown[] = [];
    const pinFault: CredentialHost["pinFault"] = (pin, server) => {
      asked.push(pin, server.listen.port);
      return "san_dns" in pin ? "cannot be checked here" : undefined;
    };
    const text = callers(
      `a: { client_certificates: [${PIN}, ${NAME}] }`,
      `b: { apikeys: [{ env: APIKEY }], client_certificates: [${NAME}] }`,
    );
    expect(await faultsOf(text, GOOD, { pinFault })).toEqual([
      'f.yaml:3:108 "callers.a.client_certificates[1]" cannot be checked here',
      'f.yaml:4:58 "callers.b.client_certificates[0]" cannot be checked here',
    ]);
    expect(asked).toEqual([
      { sha256: "a".repeat(64) },
      8080,
      { san_dns: "ns.example" },
      8080,
      { san_dns: "ns.example" },
      8080,
    ]);
  });

  it.each([PIN, NAME, "{ san_dns: NS.Example }"])("without apikeys must identify one caller: %s", async (pin) => {
    const text = callers(
      `a: { client_certificates: [${PIN}, ${NAME}] }`,
      `b: { client_certificates: [{ san_dns: b.example }, ${pin}] }`,
    );
    expect(await faultsOf(text)).toEqual([
      'f.yaml:4:54 "callers.b.client_certificates[1]" is also a certificate of "callers.a"; without apikeys, it must identify one caller',
    ]);
  });

  it.each([
    [
      "if both callers have keys",
      `a: { apikeys: [{ env: APIKEY }], client_certificates: [${PIN}] }`,
      `b: { apikeys: [{ env: N }], client_certificates: [${PIN}] }`,
    ],
    [
      "if one caller has a key",
      `a: { client_certificates: [${PIN}] }`,
      `b: { apikeys: [{ env: APIKEY }], client_certificates: [${PIN}] }`,
    ],
    ["by one caller", `a: { client_certificates: [${PIN}, ${PIN}] }`, "b: { apikeys: [{ env: APIKEY }] }"],
  ])("can be shared %s", async (_, ...lines) => {
    const secrets = { ...GOOD, N: "fedcba9876543210" };
    expect((await load(callers(...lines), secrets)).callers.size).toBe(2);
  });
});

describe("the limits of the webNonce exchange", () => {
  const EXCHANGE = withKeys(
    "nextauth: { url: https://ns.example, apikey: { env: N }, serverid: a }",
    "webnonce_exchange:",
    "  rate_limit: { per_webnonce: { binding: B } }",
  );

  it("are reported if the host cannot apply them", async () => {
    const rateLimitFault = ({ binding }: { binding: string }) => `needs ${binding}`;
    expect(await faultsOf(EXCHANGE, GOOD, { rateLimitFault })).toEqual([
      'f.yaml:13:15 "webnonce_exchange.rate_limit.per_address" needs WEBNONCE_EXCHANGE_PER_ADDRESS',
      'f.yaml:13:31 "webnonce_exchange.rate_limit.per_webnonce" needs B',
    ]);
  });

  it("are not checked without an exchange", async () => {
    const rateLimitFault = () => "cannot be kept";
    await expect(load(withKeys(), GOOD, { rateLimitFault })).resolves.toBeDefined();
  });
});

it("reports http2 and reuse_connections where the host has no connections of its own", async () => {
  const text = withKeys(
    "nextauth: { url: https://ns.example, apikey: { env: N }, http2: never }",
    "log: { level: info }",
  ).replace("    client_id", "    reuse_connections: true\n    client_id");
  expect(await faultsOf(text, GOOD, { connectionFault: "is for Node" })).toEqual([
    'f.yaml:8:5 "providers.main.reuse_connections" is for Node',
    'f.yaml:12:58 "nextauth.http2" is for Node',
  ]);
  expect(await load(text)).toBeDefined();
});
